// A field of text with the numbers of its lines beside it. A link with data-line goes to that line, which is selected.

class NumberedLines extends HTMLElement {
  connectedCallback() {
    const field = this.querySelector("textarea");
    if (!field || this.querySelector(".numbered-gutter")) return;
    const gutter = document.createElement("div");
    gutter.className = "numbered-gutter";
    gutter.setAttribute("aria-hidden", "true");
    this.prepend(gutter);
    const number = () => {
      const lines = field.value.split("\n").length;
      gutter.textContent = Array.from({ length: lines }, (_, index) => String(index + 1)).join("\n");
      gutter.style.height = `${field.clientHeight}px`;
      gutter.scrollTop = field.scrollTop;
    };
    field.addEventListener("input", number);
    field.addEventListener("scroll", () => (gutter.scrollTop = field.scrollTop));
    new ResizeObserver(number).observe(field);
    number();
  }
}

customElements.define("numbered-lines", NumberedLines);

/**
 * @param {HTMLTextAreaElement} field
 * @param {number} line from 1
 */
function goTo(field, line) {
  const lines = field.value.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  field.focus();
  field.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  const down = (field.scrollHeight / lines.length) * (line - 1);
  field.scrollTop = down - field.clientHeight / 2;
  window.scrollBy({ top: field.getBoundingClientRect().top + down - field.scrollTop - window.innerHeight / 2 });
}

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-line]") : null;
  const field = document.querySelector("numbered-lines textarea");
  if (!(link instanceof HTMLAnchorElement) || !(field instanceof HTMLTextAreaElement)) return;
  event.preventDefault();
  goTo(field, Number(link.dataset.line));
});
