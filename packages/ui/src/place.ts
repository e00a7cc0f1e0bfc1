/** Below the trigger, or above where there is no room; inside the window either way. */
export function place(popover: HTMLElement, trigger: DOMRect) {
  const { offsetWidth: width, offsetHeight: height } = popover;
  const below = trigger.bottom + 4;
  const top = below + height > window.innerHeight - 8 ? trigger.top - height - 4 : below;
  const left = Math.min(trigger.left, window.innerWidth - width - 8);
  popover.style.top = `${Math.max(8, top)}px`;
  popover.style.left = `${Math.max(8, left)}px`;
}
