/* Runs before the first paint: the reader's own zone and rail, and the keys that work everywhere. */
(() => {
  const root = document.documentElement;
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  document.cookie = `cx_zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`;
  const rail = localStorage.getItem("cx-rail");
  if (rail) root.dataset.rail = rail;
  const find = (name) => document.querySelector(`[data-cx="${name}"]`);
  const sheet = (open) => {
    if (open) root.dataset.sheet = "open";
    else delete root.dataset.sheet;
    find("menu")?.setAttribute("aria-expanded", String(open));
    if (open) document.querySelector(".cx-nav a")?.focus();
  };
  // The merge-field picker writes at the cursor of the field that had it last; React hears it as typing.
  let lastField = null;
  document.addEventListener("focusin", (event) => {
    if (event.target.matches?.("#subject, #html, #text")) lastField = event.target;
  });
  window.cxInsert = (text) => {
    const field = lastField?.isConnected ? lastField : document.querySelector("#html, #text");
    const at = field.selectionStart ?? field.value.length;
    const value = field.value.slice(0, at) + text + field.value.slice(field.selectionEnd ?? at);
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), "value").set.call(field, value);
    field.dispatchEvent(new Event("input", { bubbles: true }));
    setTimeout(() => {
      field.focus();
      field.setSelectionRange(at + text.length, at + text.length);
    }, 50);
  };
  // A page with unsaved changes sets window.cxUnsaved; leaving it by a link, back, a reload or a closed tab asks first.
  const question = "Leave without saving? What you changed here will be lost.";
  addEventListener("beforeunload", (event) => {
    if (window.cxUnsaved) event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!window.cxUnsaved || !link || link.target || link.download || event.ctrlKey || event.metaKey) return;
    if (link.getAttribute("href").startsWith("#")) return;
    if (confirm(question)) window.cxUnsaved = false;
    else {
      event.preventDefault();
      event.stopPropagation();
    }
  }, true);
  // Back and forward have already moved when they are heard, before the router hears them; who stays is moved back.
  let place = history.state?.idx ?? 0;
  let returning = false;
  for (const name of ["pushState", "replaceState"]) {
    const real = history[name];
    history[name] = function (state, ...rest) {
      real.call(this, state, ...rest);
      place = state?.idx ?? place;
    };
  }
  addEventListener("popstate", (event) => {
    const to = event.state?.idx ?? place;
    if (returning || (window.cxUnsaved && to !== place && !confirm(question))) {
      event.stopImmediatePropagation();
      if (!returning) history.go(place - to);
      returning = !returning;
      return;
    }
    window.cxUnsaved = false;
    place = to;
  }, true);
  document.addEventListener("click", (event) => {
    const name = event.target.closest("[data-cx]")?.dataset.cx;
    if (name === "rail") {
      const narrow = document.querySelector(".cx-rail").offsetWidth < 100;
      root.dataset.rail = narrow ? "wide" : "narrow";
      localStorage.setItem("cx-rail", root.dataset.rail);
    }
    if (name === "menu") sheet(root.dataset.sheet !== "open");
    if (name === "scrim" || event.target.closest(".cx-nav a")) sheet(false);
    if (name === "copy") {
      const button = event.target.closest("[data-cx]");
      navigator.clipboard.writeText(button.parentElement.querySelector("pre").innerText);
      button.setAttribute("data-copied", "true");
      setTimeout(() => button.removeAttribute("data-copied"), 1500);
    }
  });
  // A letter chooses its offer in an open menu, before the menu's own search by first letter hears it.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1) return;
    const offer = document.querySelector(`[role=menu][data-state=open] [data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!offer || offer.hasAttribute("data-disabled")) return;
    event.preventDefault();
    event.stopPropagation();
    offer.click();
  }, true);
  // A menu gives the focus back to its button when it closes, also when what was chosen has opened a dialog.
  document.addEventListener("focusin", (event) => {
    const dialog = document.querySelector("[role=dialog][data-state=open], [role=alertdialog][data-state=open]");
    if (!dialog || event.target.closest("[role=dialog], [role=alertdialog], [role=menu], [data-sonner-toaster]")) return;
    dialog.querySelector("input, textarea, select, .cx-dialog-foot .cx-btn")?.focus();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea, select, [contenteditable=true]");
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      find("search")?.click();
    } else if (event.key === "Escape") {
      sheet(false);
    } else if (!typing && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector("[role=dialog]")) {
      if (event.key === "/") {
        event.preventDefault();
        (find("seek") || find("search"))?.[find("seek") ? "focus" : "click"]();
      } else if (event.key === "?") {
        find("help")?.click();
      }
    }
  });
})();
