const start = document.querySelector("time");
if (start) {
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (own && own !== start.dataset.zone) {
    const date = new Date(start.dateTime);
    const day = date.toLocaleDateString("en-GB", { weekday: "long", day: "numeric", month: "long", year: "numeric" });
    const time = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    const line = document.querySelector("#own-zone");
    line.textContent = `Where you are: ${day}, ${time} (${own.replaceAll("_", " ")})`;
    line.hidden = false;
  }
}
