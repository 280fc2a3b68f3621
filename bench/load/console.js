// Put into a page before its own scripts: notes the longest frame, and when something that is waited for has come into the page's
// document, by the wall clock in ms.
(() => {
  const noted = (window.__console = { longest: 0, frames: 0, seen: {}, awaited: new Set() });
  let last = 0;
  const frame = (at) => {
    if (last) noted.longest = Math.max(noted.longest, at - last);
    noted.frames += 1;
    last = at;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);

  const look = (text) => {
    for (const words of noted.awaited) {
      if (!text.includes(words)) continue;
      noted.awaited.delete(words);
      noted.seen[words] = performance.timeOrigin + performance.now();
    }
  };
  new MutationObserver((changes) => {
    if (noted.awaited.size === 0) return;
    for (const { addedNodes, target, type } of changes) {
      if (type === 'characterData') look(target.data);
      else for (const node of addedNodes) look(node.textContent ?? '');
    }
  }).observe(document, { childList: true, characterData: true, subtree: true });
})();
