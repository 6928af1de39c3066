// Suggests the browser's time zone if it differs from the chosen one, and shows when the next email
// would be sent as the form changes. The server computes that, because it handles skipped hours.
const form = document.getElementById("preferences");
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const field = document.getElementById("zone");
const proposal = document.getElementById("zone-of-browser");
const next = document.getElementById("next");
let asked = 0;

async function ask() {
  const mine = ++asked;
  const chosen = new FormData(form);
  const query = new URLSearchParams();
  for (const name of ["letters", "hour", "weekday", "zone"]) query.set(name, chosen.get(name) ?? "");
  try {
    const answer = await fetch("/preferences/next?" + query);
    const words = await answer.text();
    if (mine === asked && (answer.ok || answer.status === 422) && !answer.redirected) next.innerHTML = words;
  } catch {
    // Keeps what is shown: the saved schedule.
  }
}

if (zone && zone !== field.value) {
  proposal.querySelector("strong").textContent = zone;
  proposal.querySelector("button").addEventListener("click", () => {
    field.value = zone;
    proposal.hidden = true;
    field.focus();
    ask();
  });
  proposal.hidden = false;
}
form.addEventListener("change", ask);
