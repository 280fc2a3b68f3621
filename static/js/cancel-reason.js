// The reason for cancelling a sitting: one of the list, or one's own words where it is another. Without this script both fields are shown.

/** @param {HTMLSelectElement} choice */
function settle(choice) {
  const words = choice.form?.elements.namedItem("reason");
  if (!(words instanceof HTMLTextAreaElement)) return;
  const other = choice.value === "other";
  words.required = other;
  const field = words.closest(".field");
  if (field instanceof HTMLElement) field.hidden = !other;
}

document.addEventListener("change", (event) => {
  if (event.target instanceof HTMLSelectElement && event.target.name === "reason_code") settle(event.target);
});
// A dialog that was brought in by another script, beside the calendar, is settled when it is first used.
document.addEventListener("focusin", (event) => {
  if (event.target instanceof HTMLSelectElement && event.target.name === "reason_code") settle(event.target);
});
for (const choice of document.querySelectorAll('select[name="reason_code"]')) {
  if (choice instanceof HTMLSelectElement) settle(choice);
}
