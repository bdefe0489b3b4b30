const form = document.querySelector("form");
const token = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const result = document.getElementById("result");
  const body = JSON.stringify({token, newPassword: document.getElementById("password").value});
  try {
    const answer = await fetch(location.pathname, {method: "POST", headers: {"Content-Type": "application/json"}, body});
    const {message} = await answer.json();
    result.textContent = answer.status === 400 && message === "Invalid reset token"
      ? "This link has been used or has expired. Ask for a new one." : message;
    form.hidden = answer.ok;
  } catch {
    result.textContent = "That did not work. Please try again.";
  }
});
