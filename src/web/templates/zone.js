// Proposes the browser's time zone where it is another than the one chosen.
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const field = document.getElementById("zone");
const proposal = document.getElementById("zone-of-browser");
if (zone && zone !== field.value) {
  proposal.querySelector("strong").textContent = zone;
  proposal.querySelector("button").addEventListener("click", () => {
    field.value = zone;
    proposal.hidden = true;
  });
  proposal.hidden = false;
}
