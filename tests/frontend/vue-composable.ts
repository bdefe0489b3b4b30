export function useCandidateInterviews() {
  const interviews = ref([]);
  const loading = ref(false);

  const fetchInterviews = async (options = {}) => {
    loading.value = true;
    try {
      const response = await $fetch('/candidate/interviews', { params: options });
      interviews.value = response.data;
    } catch (error) {
      console.error('Error fetching interviews:', error);
    } finally {
      loading.value = false;
    }
  };

  const confirmInterview = async (interviewId) => {
    try {
      await $fetch(`/candidate/interviews/${interviewId}/confirm`, {
        method: 'PUT'
      });
      await fetchInterviews();
    } catch (error) {
      console.error('Error confirming interview:', error);
      throw error;
    }
  };

  return { interviews, loading, fetchInterviews, confirmInterview };
}
