// On a phone, a table's header row is hidden: each cell gets the heading of its column.
document$.subscribe(() => {
  for (const table of document.querySelectorAll(".md-typeset table:not([class])")) {
    const headings = [...table.querySelectorAll("thead th")].map(cell => cell.textContent.trim())
    for (const row of table.querySelectorAll("tbody tr"))
      [...row.cells].forEach((cell, column) => {
        if (column > 0 && headings[column]) cell.dataset.heading = headings[column]
      })
  }
})
