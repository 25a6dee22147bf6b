// A button beside each command and entry that copies it. Without scripts there is no button, and the text can be selected.
"use strict";
(() => {
  const said = document.createElement("p");
  said.setAttribute("role", "status");
  said.className = "unseen";
  document.body.append(said);

  const select = (text) => {
    const range = document.createRange();
    range.selectNodeContents(text);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
  };

  const copy = async (text) => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      return true;
    } catch {
      select(text);
      return document.execCommand("copy");
    }
  };

  for (const text of document.querySelectorAll(".copied")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "copy";
    button.textContent = "Copy";
    const words = text.textContent.trim().split("\n")[0];
    button.setAttribute("aria-label", `Copy ${words}`);
    button.addEventListener("click", async () => {
      const done = await copy(text);
      button.textContent = done ? "Copied" : "Selected";
      said.textContent = done ? `Copied: ${words}` : "Selected; copy it with your keyboard.";
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    text.after(button);
  }
})();
