"use strict";
// The page can be read without this: it adds sorting, filtering and copying.
(() => {
  const order = new Intl.Collator(undefined, { numeric: true });

  function sort(table, th) {
    const column = th.cellIndex;
    const first = th.dataset.first;
    const other = first === "ascending" ? "descending" : "ascending";
    const direction = th.getAttribute("aria-sort") === first ? other : first;
    const sign = direction === "ascending" ? 1 : -1;
    const value = (row) => row.cells[column].dataset.value;
    const text = (row) => row.cells[column].textContent;
    const compare = (a, b) =>
      value(a) === undefined ? order.compare(text(a), text(b)) : value(a) - value(b);
    for (const header of table.tHead.rows[0].cells) header.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", direction);
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((a, b) => sign * compare(a, b)));
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    for (const th of table.tHead.rows[0].cells) {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...th.childNodes);
      button.addEventListener("click", () => sort(table, th));
      th.append(button);
    }
  }

  const filter = document.getElementById("filter");
  if (filter) {
    const kind = document.getElementById("kind");
    const shown = document.getElementById("shown");
    const rows = [...document.querySelectorAll("tr[data-kinds]")];
    const apply = () => {
      const name = filter.value.trim().toLowerCase();
      const [field, value] = kind.value.split(":");
      let count = 0;
      for (const row of rows) {
        const fits = row.cells[0].textContent.toLowerCase().includes(name)
          && (!field || row.dataset[field].split(" ").includes(value));
        row.hidden = !fits;
        count += fits;
      }
      shown.textContent = name || field ? `${count} of ${rows.length}` : "";
    };
    filter.addEventListener("input", apply);
    kind.addEventListener("change", apply);
    filter.closest(".filter").hidden = false;
    apply(); // a reloaded page may keep what was typed
  }

  for (const pre of document.querySelectorAll(".snippet pre")) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(pre.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(pre); // no clipboard here: selected, ready to be copied
        button.textContent = "Selected";
      }
      setTimeout(() => { button.textContent = "Copy"; }, 2000);
    });
    pre.after(button);
  }
})();
