const useCandidateInterviews = () => {
  const [interviews, setInterviews] = useState([]);
  const [loading, setLoading] = useState(false);

  const fetchInterviews = async (options = {}) => {
    setLoading(true);
    try {
      const response = await api.get('/candidate/interviews', { params: options });
      setInterviews(response.data.data);
    } catch (error) {
      console.error('Error fetching interviews:', error);
    } finally {
      setLoading(false);
    }
  };

  const confirmInterview = async (interviewId) => {
    try {
      await api.put(`/candidate/interviews/${interviewId}/confirm`);
      // Refresh interviews list
      fetchInterviews();
    } catch (error) {
      console.error('Error confirming interview:', error);
      throw error;
    }
  };

  return { interviews, loading, fetchInterviews, confirmInterview };
};
