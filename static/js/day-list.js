// The day's list: the button that prints it.

document.querySelector("[data-print]")?.addEventListener("click", () => print());
