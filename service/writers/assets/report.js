"use strict";
// The boxes set classes of the main element; the style sheet does the hiding, which is fast for any number of paragraphs.
document.addEventListener("DOMContentLoaded", () => {
  const form = document.querySelector(".filters");
  const main = document.querySelector("main");
  const told = form.querySelector("output");
  const boxes = [...form.querySelectorAll("input")];
  const apply = () => {
    const ticked = boxes.filter((box) => box.checked).map((box) => box.value);
    const only = ticked.filter((value) => value.startsWith("only-"));
    main.className = [...ticked, ...(only.length ? ["filtered"] : [])].join(" ");
    const wanted = only.length ? only.map((value) => "p." + value.replace("only", "has")) : ["p"];
    const also = ticked.includes("doubtful") ? ".doubtful" : "";
    const shown = ticked.length ? main.querySelectorAll(wanted.map((one) => one + also).join(",")).length : 0;
    told.textContent = ticked.length ? `显示 ${shown.toLocaleString()} 段` : "";
  };
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  form.hidden = false;
  apply();
});
