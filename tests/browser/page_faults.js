// What a clerk's eye would find wrong with a page as it stands: cut, covered, too small to press, in the wrong language. One line each.
(given) => {
  const { language, data, touch } = given;
  const faults = [];
  const name = (element) => {
    const part = element.closest('[data-part]')?.getAttribute('data-part') ?? '';
    return `<${element.localName}${element.className && typeof element.className === 'string' ? `.${element.className.trim().split(/\s+/).join('.')}` : ''}> in "${part}": ${(element.textContent ?? '').trim().replace(/\s+/g, ' ').slice(0, 60)}`;
  };
  const seen = (element) => {
    if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true }) || element.closest('.visually-hidden, [aria-hidden="true"]')) return false;
    const { width, height } = element.getBoundingClientRect();
    return width > 1 && height > 1;
  };
  const wide = document.documentElement.scrollWidth - innerWidth;
  if (wide > 0) faults.push(`the page is ${wide} px wider than the window`);
  const all = [...document.body.querySelectorAll('*')].filter(seen);

  // cut
  for (const element of all) {
    const style = getComputedStyle(element);
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim() !== '');
    if (!own || style.overflowX === 'visible' || ['auto', 'scroll'].includes(style.overflowX)) continue;
    if (element.scrollWidth > element.clientWidth + 1 && !element.closest('[title], [aria-label]:not(aside):not(section):not(ul)')) faults.push(`cut: ${name(element)}`);
    if (element.scrollHeight > element.clientHeight + 4 && style.overflowY === 'hidden') faults.push(`cut below: ${name(element)}`);
  }

  // covered, or too small for a finger
  for (const element of all.filter((one) => one.matches('button, a[href], input, select, textarea, summary'))) {
    const box = element.getBoundingClientRect();
    const shown = box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight;
    const at = shown ? document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2) : null;
    if (at && !element.contains(at) && !at.contains(element) && !at.closest('label')?.contains(element) && !element.closest('[popover]')) {
      const scroller = element.closest('.drawer-scroll, .messages-list, .pictures, .own-tasks, .screen');
      const inside = scroller?.getBoundingClientRect();
      if (!inside || (box.top >= inside.top && box.bottom <= inside.bottom)) faults.push(`covered by ${name(at)}: ${name(element)}`);
    }
    if (touch && !element.closest('p, li.prose') && (box.width < 43.5 || box.height < 43.5) && !(element.matches('input') && element.closest('label')?.getBoundingClientRect().height >= 43.5))
      faults.push(`${Math.round(box.width)}×${Math.round(box.height)} px: ${name(element)}`);
  }

  // words
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!element || ['SCRIPT', 'STYLE', 'OPTION'].includes(element.tagName) || (!element.closest('.visually-hidden') && !seen(element))) continue;
    const foreign = element.closest('[lang]');
    if (foreign && foreign !== document.documentElement) continue;
    let text = node.data;
    for (const one of data) text = text.replaceAll(one, ' ');
    text = text.trim();
    if (/\b(undefined|null|NaN|\[object)\b|\b[a-z]+_[a-z_]+\b|\b(role|kind|stage|error|reason|missing)\.[a-z]/.test(text)) faults.push(`raw: ${text.slice(0, 80)}`);
    else if (language === 'en' && /[\u4e00-\u9fff]/.test(text)) faults.push(`Chinese: ${text.slice(0, 80)}`);
    else if (language !== 'en' && /[A-Za-z]{3,}/.test(text.replace(/REC|English|Enter|Tab|Esc|Mbit|kbit|UDP|Chrome|Edge|Linux/g, ''))) faults.push(`English: ${text.slice(0, 80)}`);
  }
  return [...new Set(faults)];
}
