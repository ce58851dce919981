"use strict";
const field = document.getElementById("search");
const told = document.getElementById("found");
const entries = [...document.querySelectorAll("article")].map((article) => ({
  article,
  link: document.querySelector(`nav li a[href="#${CSS.escape(article.id)}"]`)?.parentElement,
  text: article.textContent.toLowerCase(),
}));
const sections = [...document.querySelectorAll("nav section"), ...document.querySelectorAll("main > section")];

// Every word of the question has to stand somewhere in an entry.
function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { article, link, text } of entries) {
    const found = words.every((word) => text.includes(word));
    article.hidden = !found;
    if (link) link.hidden = !found;
    count += found;
  }
  for (const section of sections) {
    section.hidden = words.length > 0 && !section.querySelector("li:not([hidden]), article:not([hidden])");
  }
  told.textContent = words.length ? `${count} of ${entries.length}` : "";
}

function show() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.hidden) {
    field.value = "";
    search();
  }
  target?.scrollIntoView();
}

field.addEventListener("input", search);
window.addEventListener("hashchange", show);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field) {
    event.preventDefault();
    field.focus();
  } else if (event.key === "Escape" && document.activeElement === field) {
    field.value = "";
    search();
  }
});
search();
show();
