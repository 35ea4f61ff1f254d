/// The style and scripts of every page, without external files.
enum HTMLPage {
  /// Colours of a light page; those of a dark one are the same but lighter.
  private static let light = inks(dark: false)
  private static let dark = inks(dark: true)

  private static func inks(dark isDark: Bool) -> String {
    let plain: [(Ink, String)] = [
      (.paper, "#14171a"), (.text, "#e6e6e6"), (.faint, "#a8adb3"), (.grid, "#33383d"),
    ]
    let series = [
      "#5cb3ec", "#ff8c42", "#2fd0a0", "#e8a3cc", "#f5c04a", "#8fd3ff", "#f2f2f2",
    ]
    let lines =
      plain.map { "\($0.0.variable):\(isDark ? $0.1 : $0.0.hexadecimal)" }
      + series.indices.map {
        "\(Ink.series($0).variable):\(isDark ? series[$0] : Ink.series($0).hexadecimal)"
      }
    return lines.joined(separator: ";")
  }

  static let style = """
    :root{\(light);color-scheme:light}
    @media (prefers-color-scheme:dark){:root:not([data-theme=light]){\(dark);color-scheme:dark}}
    :root[data-theme=dark]{\(dark);color-scheme:dark}
    body{font:15px/1.45 system-ui,Helvetica,Arial,sans-serif;color:var(--text);background:var(--paper);
      max-width:1100px;margin:0 auto;padding:1rem}
    header{display:flex;justify-content:space-between;align-items:baseline;gap:1rem}
    h1{font-size:1.5rem}h2{font-size:1.15rem;margin:1.6rem 0 .5rem}
    button{font:inherit;color:inherit;background:none;border:1px solid var(--faint);border-radius:4px;cursor:pointer}
    .note{border-left:4px solid var(--series-1);padding:.3rem .8rem;background:color-mix(in srgb,var(--grid) 45%,transparent)}
    .small,small{font-size:.82rem;color:var(--faint)}
    .wide{overflow-x:auto;padding-bottom:.3rem;scrollbar-width:thin;scrollbar-color:var(--faint) var(--grid);
      border-right:1px dashed var(--grid)}
    .wide::-webkit-scrollbar{height:10px}.wide::-webkit-scrollbar-track{background:var(--grid);border-radius:5px}
    .wide::-webkit-scrollbar-thumb{background:var(--faint);border-radius:5px}
    .scrolls::before{content:"more columns: scroll sideways →";display:block;position:sticky;left:0;font-size:.8rem;color:var(--faint)}
    table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:.88rem}
    th,td{padding:.3rem .6rem;text-align:right;border-bottom:1px solid var(--grid);vertical-align:top}
    td,tbody th{white-space:nowrap}
    th:first-child,tbody th{text-align:left;position:sticky;left:0;background:var(--paper)}
    thead th{vertical-align:bottom;min-width:4.5rem;border-bottom:2px solid var(--faint)}
    table.sortable thead th{cursor:pointer}
    th[aria-sort=ascending]::after{content:" ▲"}th[aria-sort=descending]::after{content:" ▼"}
    .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,440px),1fr));gap:1rem}
    figure{margin:0;break-inside:avoid}figure svg{width:100%;height:auto}
    figcaption{font-size:.85rem;color:var(--faint)}
    .hint{cursor:crosshair}.hint:hover{opacity:.65}
    #tip{position:fixed;z-index:2;pointer-events:none;background:var(--text);color:var(--paper);padding:.2rem .5rem;
      border-radius:4px;font-size:.85rem;max-width:24rem}
    pre{overflow-x:auto;padding:.6rem;background:color-mix(in srgb,var(--grid) 45%,transparent)}
    @page{size:landscape}@media print{:root,:root[data-theme=dark]{\(light);color-scheme:light}button,#tip{display:none}
      .wide{overflow:visible;border:0}.scrolls::before{display:none}.models tr>*:nth-child(n+13){display:none}table{font-size:7pt}th,td{padding:1pt 3pt}thead th{min-width:0}
      th:first-child{position:static}body{max-width:none;padding:0}h2{break-after:avoid}}

    """

  static let script = """
    "use strict";
    for (const table of document.querySelectorAll("table.sortable")) {
      const heads = [...table.tHead.rows[0].cells];
      heads.forEach((head, column) => {
        head.tabIndex = 0;
        const sort = () => {
          const falls = head.getAttribute("aria-sort") === "ascending";
          heads.forEach(h => h.removeAttribute("aria-sort"));
          head.setAttribute("aria-sort", falls ? "descending" : "ascending");
          const key = row => {
            const cell = row.cells[column];
            if (!head.hasAttribute("data-number")) return cell.textContent;
            return cell.dataset.value === "" ? Infinity : Number(cell.dataset.value);
          };
          const rows = [...table.tBodies[0].rows].sort((a, b) => {
            const [x, y] = [key(a), key(b)];
            const order = x < y ? -1 : x > y ? 1 : 0;
            return falls ? -order : order;
          });
          rows.forEach(row => table.tBodies[0].append(row));
        };
        head.addEventListener("click", sort);
        head.addEventListener("keydown", event => { if (event.key === "Enter") sort(); });
      });
    }
    const marked = () => {
      for (const wide of document.querySelectorAll(".wide")) {
        wide.classList.toggle("scrolls", wide.scrollWidth > wide.clientWidth + 1);
      }
    };
    addEventListener("resize", marked);
    marked();
    const tip = document.getElementById("tip");
    for (const mark of document.querySelectorAll(".hint")) {
      const title = mark.querySelector("title");
      const text = title.textContent;
      title.remove();
      mark.setAttribute("aria-label", text);
      mark.addEventListener("mousemove", event => {
        tip.textContent = text;
        tip.hidden = false;
        const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 4);
        tip.style.left = left + "px";
        tip.style.top = event.clientY + 14 + "px";
      });
      mark.addEventListener("mouseleave", () => { tip.hidden = true; });
    }
    document.getElementById("theme").addEventListener("click", () => {
      const root = document.documentElement;
      const isDark = root.dataset.theme
        ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = isDark ? "light" : "dark";
    });

    """
}
