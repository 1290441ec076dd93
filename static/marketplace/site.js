// Small comforts; every page works without them.
(() => {
  "use strict";

  const nativeCommands = "commandForElement" in HTMLButtonElement.prototype;

  // A dialog that opens with its page becomes modal. Where a field in it is wrong, focus goes there.
  function openWaiting(root) {
    for (const dialog of root.querySelectorAll("dialog[data-open]")) {
      dialog.removeAttribute("data-open");
      dialog.removeAttribute("open");
      dialog.showModal();
      dialog.querySelector("[aria-invalid=true]")?.focus();
    }
  }

  // What a browser without invoker commands would leave undone.
  function obey(button) {
    const dialog = document.getElementById(button.getAttribute("commandfor"));
    const command = button.getAttribute("command");
    if (command === "show-modal" && !dialog?.open) dialog?.showModal();
    if (command === "close") dialog?.close();
  }

  // A dialog opened from a menu closes when the menu is gone: focus returns to the menu's button.
  let opener = null;
  function rememberOpener(button) {
    const menu = button.closest("[popover]");
    opener = menu ? document.querySelector(`[popovertarget="${CSS.escape(menu.id)}"]`) : button;
  }
  function returnFocus(event) {
    const here = document.activeElement;
    const lost = !here || here === document.body || event.target.contains(here);
    if (lost && opener?.isConnected) opener.focus();
    opener = null;
  }

  // The same form is not sent twice, unless it says that it may be.
  function once(event) {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.hasAttribute("data-again")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    event.submitter?.setAttribute("aria-busy", "true");
  }
  function forgetSent() {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("[aria-busy=true]")) button.removeAttribute("aria-busy");
  }

  // Screen readers announce what changes, not what a page begins with.
  function announce() {
    const flash = document.querySelector(".flash");
    if (!flash?.children.length) return;
    const said = [...flash.children];
    flash.setAttribute("aria-busy", "true");
    flash.replaceChildren();
    requestAnimationFrame(() => {
      flash.removeAttribute("aria-busy");
      flash.replaceChildren(...said);
    });
  }

  // Times show in the browser's zone until the account names another.
  function tellZone() {
    const said = `zone=${Intl.DateTimeFormat().resolvedOptions().timeZone}`;
    const secure = location.protocol === "https:" ? "; secure" : "";
    if (!document.cookie.split("; ").includes(said)) {
      document.cookie = `${said}; path=/; max-age=31536000; samesite=lax${secure}`;
    }
  }

  // An amount typed beside a choice means that choice.
  function chooseByTyping(event) {
    const radio = event.target.closest?.(".choice")?.querySelector(":scope > [type=radio]");
    if (!radio || radio === event.target || radio.checked) return;
    radio.checked = true;
    radio.dispatchEvent(new Event("change", { bubbles: true }));
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("button[commandfor]");
    if (!button) return;
    if (button.getAttribute("command") === "show-modal") rememberOpener(button);
    if (!nativeCommands) obey(button);
  });
  document.addEventListener("close", returnFocus, true);
  document.addEventListener("submit", once);
  document.addEventListener("input", chooseByTyping);
  document.addEventListener("htmx:load", (event) => openWaiting(event.target));
  window.addEventListener("pageshow", forgetSent);

  announce();
  tellZone();
  openWaiting(document);
})();
