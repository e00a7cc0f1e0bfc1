import { cleanup } from "@testing-library/react";
import { afterEach } from "vitest";

afterEach(cleanup);

// jsdom knows the element but not what it does (jsdom/jsdom#3294).
if (typeof HTMLDialogElement !== "undefined") {
  HTMLDialogElement.prototype.showModal ??= function showModal() {
    this.open = true;
  };
  HTMLDialogElement.prototype.close ??= function close() {
    this.open = false;
  };
}

// Nor does it know popovers, which it hides: a button opens one or closes it, and the element is told.
const knowsPopovers = typeof HTMLElement === "undefined" || "showPopover" in HTMLElement.prototype;
if (!knowsPopovers) {
  const toggle = (popover: HTMLElement, open: boolean) => {
    popover.style.display = open ? "block" : "";
    popover.dispatchEvent(Object.assign(new Event("toggle"), { newState: open ? "open" : "closed" }));
  };
  HTMLElement.prototype.hidePopover = function hidePopover() {
    if (this.style.display) toggle(this, false);
  };
  document.addEventListener("click", event => {
    const button = event.target instanceof Element && event.target.closest("[popovertarget]");
    const popover = button && document.getElementById(button.getAttribute("popovertarget") ?? "");
    if (popover) toggle(popover, !popover.style.display);
  });
}
