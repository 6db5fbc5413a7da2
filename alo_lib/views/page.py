"""HTML pieces of a page that needs no network.

plotly.js, which draws the figures, is inside of a page that stands alone, and beside the pages of a folder: it is a
hundred times larger than what it draws.
"""

import html
import importlib.resources
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from alo_lib.records.whole_files import write_whole
from alo_lib.views.drawing import Figure

__all__ = [
    "LIBRARY_FILE",
    "MAX_ROWS",
    "PAGE_MARK",
    "Html",
    "card",
    "cards",
    "facts",
    "figure",
    "note",
    "page",
    "section",
    "side_by_side",
    "sorting_table",
    "table",
    "verdict",
    "verdicts",
    "write_library",
]

LIBRARY_FILE: Final = "plotly.min.js"
"""plotly.js beside the pages of a folder; the folder may be moved as a whole."""
MAX_ROWS: Final = 2000
"""Rows that a page lists of a table; the files beside it, or ``--json``, have all of them."""
PAGE_MARK: Final = '<meta name="generator" content="alo">'
"""In the head of every page: by it a file is known to be one that may be written anew."""

_CARDS_A_ROW: Final = 8

_STYLE = """
:root { color-scheme: light dark; --ground: #f6f7f9; --sheet: #ffffff; --ink: #1b2330; --soft: #5b6675;
  --rule: #dfe3e9; --grid: #e6e9ee; --good: #0a7f5a; --bad: #c62828; --accent: #2563eb; }
@media (prefers-color-scheme: dark) { :root { --ground: #0f131a; --sheet: #171d27; --ink: #e6eaf0; --soft: #97a3b4;
  --rule: #2a3342; --grid: #262f3d; --good: #34d399; --bad: #f87171; --accent: #60a5fa; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; letter-spacing: -0.01em; }
h2 { font-size: 18px; margin: 0 0 10px; }
p { margin: 0 0 8px; } .soft { color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(124px, 1fr)); gap: 10px; margin: 20px 0; }
.card, section { background: var(--sheet); border: 1px solid var(--rule); border-radius: 10px; }
.card { padding: 12px 14px; } .card b { display: block; font-size: 18px; white-space: nowrap; font-weight: 600; }
.card span { color: var(--soft); font-size: 13px; }
.verdicts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 10px;
  margin: 20px 0; }
.verdict { background: var(--sheet); border: 1px solid var(--rule); border-radius: 10px; padding: 14px 18px; }
.verdict b { display: block; font-size: 44px; line-height: 1.15; letter-spacing: -0.02em; }
.verdict span { display: block; font-weight: 600; } .verdict p { margin: 4px 0 0; color: var(--soft); font-size: 13px; }
.good { color: var(--good); } .bad { color: var(--bad); }
section { padding: 18px 20px; margin: 0 0 16px; overflow: hidden; }
.box { position: relative; min-width: 0; } .scroll { max-height: 520px; overflow: auto; }
.box.more::before { content: ""; position: absolute; z-index: 1; right: 0; top: 0; bottom: 22px; width: 34px;
  pointer-events: none; background: linear-gradient(to right, transparent, var(--sheet)); }
.box.more.end::before { display: none; }
.box.more::after { content: "scroll sideways for more →"; display: block; height: 22px; font-size: 12.5px;
  color: var(--accent); text-align: right; } .box.more.end::after { content: "← scroll back"; }
.box input { font: inherit; font-size: 13.5px; width: 100%; max-width: 320px; margin: 0 0 8px; padding: 5px 9px;
  color: inherit; background: var(--ground); border: 1px solid var(--rule); border-radius: 7px; }
.box.sorts th { cursor: pointer; } .box.sorts th[aria-sort]::after { content: " ↑"; }
.box.sorts th[aria-sort=descending]::after { content: " ↓"; }
td.t { color: var(--accent); cursor: pointer; text-decoration: underline dotted; text-underline-offset: 3px; }
.plot + *, .box + *, dl + p { margin-top: 14px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: var(--sheet); text-align: left; font-weight: 600; color: var(--soft); }
th, td { padding: 5px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
td.w { white-space: normal; min-width: 240px; } tfoot td { font-weight: 600; }
th.n, td.n { text-align: right; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 3px 18px; margin: 0; font-size: 13.5px; }
dl.wide { grid-template-columns: repeat(auto-fill, minmax(330px, 1fr)); }
dl.wide div { display: flex; justify-content: space-between; gap: 12px; border-bottom: 1px solid var(--rule); }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.plot { width: 100%; min-width: 0; }
.parcoords text { text-shadow: none !important; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 10px; } .pair .plot + * { margin-top: 0; }
.pair + * { margin-top: 14px; }
@media (min-width: 1100px) { .cards { grid-template-columns: repeat(var(--across), minmax(0, 1fr)); } }
@media (max-width: 720px) { .pair { grid-template-columns: minmax(0, 1fr); } main { padding: 20px 10px 40px; }
  section { padding: 14px 12px; } td.w { min-width: 170px; } }
@media print { .scroll { max-height: none; overflow: visible; } section { overflow: visible; } main { max-width: none; }
  th { position: static; } .box input, .box.more::before, .box.more::after { display: none !important; }
  table { font-size: 10px; } th, td { white-space: normal; padding: 3px 5px; } td.w { min-width: 0; } }
"""

_SCRIPT = r"""
if (!window.Plotly) for (const node of document.querySelectorAll('.plot'))
  node.insertAdjacentHTML('beforeend', '<p class="bad">The chart needs the file plotly.min.js beside this page.</p>');
const style = () => { const of = getComputedStyle(document.documentElement);
  return { ink: of.getPropertyValue('--soft').trim(), grid: of.getPropertyValue('--grid').trim(),
    accent: of.getPropertyValue('--accent').trim() }; };
const plots = [...document.querySelectorAll('.plot')];
// A finger has no hover that would call the tools up; always shown, they would cover the legend.
const config = { responsive: true, displaylogo: false, modeBarButtonsToRemove: ['select2d', 'lasso2d'],
  displayModeBar: matchMedia('(hover: hover)').matches ? 'hover' : false };
const draw = () => { const { ink, grid, accent } = style(); for (const node of plots) {
  const { data, layout } = JSON.parse(node.querySelector('script').textContent);
  layout.paper_bgcolor = layout.plot_bgcolor = 'rgba(0,0,0,0)';
  layout.modebar = { bgcolor: 'rgba(0,0,0,0)', color: ink, activecolor: accent };
  layout.font = { color: ink, size: 12, family: 'system-ui, sans-serif' };
  if (node.clientWidth < 480 && layout.showlegend !== false) {
    // Below the plot, one name a row, so that it takes nothing from the plot.
    const names = data.filter(trace => trace.showlegend !== false).length;
    layout.legend = { orientation: 'h', yref: 'container', y: 0, yanchor: 'bottom', x: 0 };
    layout.height += names > 1 ? 20 * names : 0;
    layout.margin = { ...layout.margin, l: 50, r: 8, b: 60 + (names > 1 ? 20 * names : 0) }; }
  for (const key of Object.keys(layout)) if (/^[xy]axis/.test(key))
    Object.assign(layout[key], { gridcolor: grid, zerolinecolor: grid, automargin: true,
      title: { text: layout[key].title, standoff: 10 } });
  Plotly.react(node.querySelector('div'), data, layout, config); } };
// Time axes of a page go together; what one is set to, all others are.
const link = () => { const timed = plots.map(node => node.querySelector('div'))
    .filter(div => div.layout.xaxis?.type === 'date');
  let busy = false;
  for (const div of timed) div.on('plotly_relayout', change => {
    const key = Object.keys(change).find(name => /^xaxis\d*[.](range|autorange)/.test(name));
    if (busy || !key) return;
    busy = true;
    const same = div.layout.xaxis.autorange ? { 'xaxis.autorange': true }
      : { 'xaxis.range': [...div.layout.xaxis.range] };
    Promise.all(timed.filter(other => other !== div).map(other => Plotly.relayout(other, same)))
      .finally(() => { busy = false; }); }); };
if (window.Plotly) { draw(); link();
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw); }
// A table that is wider than its box says so.
for (const box of document.querySelectorAll('.box')) { const scroll = box.querySelector('.scroll');
  const look = () => { const rest = scroll.scrollWidth - scroll.clientWidth;
    box.classList.toggle('more', rest > 1); box.classList.toggle('end', scroll.scrollLeft > rest - 2); };
  new ResizeObserver(look).observe(scroll); scroll.addEventListener('scroll', look); }
// Tables that sort by a click on a title and are searched; a time leads to the chart.
const typed = text => text.toLowerCase().replaceAll('−', '-').replaceAll('\u2060', '');
const number = text => { const value = parseFloat(text.replace('−', '-').replace(/[^\d.e-]/g, ''));
  return Number.isNaN(value) ? -Infinity : value; };
for (const box of document.querySelectorAll('.box.sorts')) {
  const titles = [...box.querySelectorAll('th')], body = box.querySelector('tbody');
  titles.forEach((title, column) => title.addEventListener('click', () => {
    const falls = title.getAttribute('aria-sort') === 'ascending', of = row => row.cells[column].textContent;
    for (const one of titles) one.removeAttribute('aria-sort');
    title.setAttribute('aria-sort', falls ? 'descending' : 'ascending');
    const order = title.className.includes('n') ? (a, b) => number(of(a)) - number(of(b))
      : (a, b) => of(a).localeCompare(of(b));
    body.append(...[...body.rows].sort((a, b) => falls ? order(b, a) : order(a, b))); }));
  const asked = box.querySelector('input');
  asked.addEventListener('input', () => { for (const row of body.rows)
    row.hidden = !typed(asked.value).split(/\s+/).every(word => typed(row.textContent).includes(word));
  });
  body.addEventListener('click', event => { const cell = event.target.closest('td.t');
    if (!cell || !window.Plotly) return;
    const node = plots.find(one => one.dataset.about === cell.parentNode.dataset.about);
    if (!node) return;
    const text = cell.textContent, at = Date.parse(text.replace(' ', 'T') + 'Z');
    const near = [at - 18e5, at + 18e5].map(time => new Date(time).toISOString().replace('T', ' ').slice(0, 19));
    Plotly.relayout(node.querySelector('div'), { 'xaxis.range[0]': near[0], 'xaxis.range[1]': near[1] });
    node.closest('section').scrollIntoView({ behavior: 'smooth' }); }); }
"""


_NEGATIVE: Final = re.compile(r"(?:^|(?<=[\s(]))-(?=[\d.$])")
"""A hyphen that is a figure's sign: a date, a name or a range of two positive figures has none."""

_WORD_JOINER: Final = "\u2060"
"""Shows as nothing, and no line is broken at it; browsers break one between a minus sign and a currency's."""


@dataclass(frozen=True)
class Html:
    """Text that is HTML already; any other text is escaped on its way into the page."""

    text: str

    def __str__(self) -> str:
        return self.text


def _escaped(value: object) -> str:
    return value.text if isinstance(value, Html) else html.escape(str(value))


def _signed(value: object) -> str:
    """Figures, and sentences that tell of some, with real minus signs that stay with their figures."""
    if isinstance(value, Html):
        return value.text
    return _escaped(_NEGATIVE.sub("−", str(value)).replace("−$", f"−{_WORD_JOINER}$"))


def card(title: str, value: object, tone: str = "") -> Html:
    """One headline figure; ``tone`` is empty, ``good`` or ``bad``."""
    shown = f'<b class="{_escaped(tone)}">{_signed(value)}</b>'
    return Html(f'<div class="card">{shown}<span>{_signed(title)}</span></div>')


def cards(items: Iterable[Html]) -> Html:
    """Cards in as few rows as hold them, all as long as the first where the page is wide."""
    told = list(map(str, items))
    rows = -(-len(told) // _CARDS_A_ROW)
    return Html(f'<div class="cards" style="--across: {-(-len(told) // max(rows, 1))}">{"".join(told)}</div>')


def verdict(title: str, value: object, words: str, tone: str = "") -> Html:
    """A figure on which all others of a page hang, in its largest type, with a sentence on what it says."""
    shown = f'<b class="{_escaped(tone)}">{_signed(value)}</b>'
    return Html(f'<div class="verdict"><span>{_escaped(title)}</span>{shown}<p>{_signed(words)}</p></div>')


def verdicts(items: Iterable[Html]) -> Html:
    """Verdicts beside each other, below each other where the page is narrow."""
    return Html(f'<div class="verdicts">{"".join(map(str, items))}</div>')


def figure(drawing: Figure, *, about: str = "") -> Html:
    """A figure that plotly.js draws when the page opens; tables lead to the first ``about`` an underlying."""
    packed = json.dumps(drawing, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
    height = int(drawing["layout"]["height"])
    source = f'<script type="application/json">{packed}</script>'
    names = f' data-about="{_escaped(about)}"' if about else ""
    return Html(f'<div class="plot"{names} style="min-height:{height}px">{source}<div></div></div>')


def side_by_side(parts: Iterable[Html]) -> Html:
    """Parts in two columns, in one where the page is narrow."""
    return Html(f'<div class="pair">{"".join(map(str, parts))}</div>')


def note(text: str) -> Html:
    """A quiet sentence."""
    return Html(f'<p class="soft">{_signed(text)}</p>')


def section(title: str, *parts: Html) -> Html:
    """A titled part of the page."""
    return Html(f"<section><h2>{_escaped(title)}</h2>{''.join(map(str, parts))}</section>")


def table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    numeric: Iterable[int] = (),
    *,
    sentences: Iterable[int] = (),
    totals: Iterable[Sequence[object]] = (),
) -> Html:
    """A table that scrolls when it is long; ``numeric`` columns are set to the right, ``sentences`` are broken.

    ``totals`` are rows at its foot.
    """
    right, broken = set(numeric), set(sentences)
    kind = ["n" if index in right else "w" if index in broken else "" for index in range(len(columns))]
    return _boxed(columns, kind, (("", row) for row in rows), totals=totals)


def sorting_table(
    columns: Sequence[str],
    rows: Iterable[tuple[str, Sequence[object]]],
    numeric: Iterable[int],
    times: Iterable[int],
    *,
    totals: Iterable[Sequence[object]] = (),
) -> Html:
    """A table that sorts by its titles and is searched; each row comes with the underlying that it is about.

    A click on one of ``times`` (New York's) leads to that time in the chart about the underlying. ``totals`` are
    rows at its foot, which neither sorting nor a search moves.
    """
    right, leading = set(numeric), set(times)
    kind = ["n" if index in right else "t" if index in leading else "" for index in range(len(columns))]
    search = '<input type="search" placeholder="Search" aria-label="Search">'
    return _boxed(columns, kind, rows, search, totals)


def _boxed(
    columns: Sequence[str],
    kind: Sequence[str],
    rows: Iterable[tuple[str, Sequence[object]]],
    search: str = "",
    totals: Iterable[Sequence[object]] = (),
) -> Html:
    """A table in the box that it scrolls in; ``kind`` is the class of each column."""
    mark = [f' class="{each}"' if each else "" for each in kind]
    head = "".join(f"<th{mark[index]}>{_signed(title)}</th>" for index, title in enumerate(columns))

    def line(about: str, row: Sequence[object]) -> str:
        cells = "".join(
            f"<td{mark[index] if kind[index] != 't' or cell else ''}>"
            f"{_signed(cell) if kind[index] in ('n', 'w') else _escaped(cell)}</td>"
            for index, cell in enumerate(row)
        )
        return (f'<tr data-about="{_escaped(about)}">' if about else "<tr>") + cells + "</tr>"

    body, foot = "".join(line(*each) for each in rows), "".join(line("", row) for row in totals)
    whole = (
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody>{f'<tfoot>{foot}</tfoot>' if foot else ''}</table>"
    )
    sorts = " sorts" if search else ""
    return Html(f'<div class="box{sorts}">{search}<div class="scroll">{whole}</div></div>')


def facts(pairs: Iterable[tuple[str, object]], *, wide: bool = False) -> Html:
    """Names and values, in one column or, ``wide``, in as many as fit."""
    opened, closed = ("<div>", "</div>") if wide else ("", "")
    items = "".join(f"{opened}<dt>{_escaped(name)}</dt><dd>{_signed(value)}</dd>{closed}" for name, value in pairs)
    return Html(f"<dl{' class=wide' if wide else ''}>{items}</dl>")


def page(title: str, subtitle: str, *parts: Html, alone: bool = True) -> str:
    """The whole page; not ``alone`` it needs what :func:`write_library` writes beside it."""
    library = f"<script>{_library().decode()}</script>" if alone else f'<script src="{LIBRARY_FILE}"></script>'
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'{PAGE_MARK}<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_escaped(title)}</title><style>{_STYLE}</style></head>\n<body><main>"
        f'<h1>{_escaped(title)}</h1><p class="soft">{_signed(subtitle)}</p>\n'
        f"{''.join(f'{part}{chr(10)}' for part in parts)}</main>\n"
        f"{library}\n<script>{_SCRIPT}</script></body></html>\n"
    )


def write_library(folder: Path) -> None:
    """Write plotly.js where the pages of a folder look for it."""
    write_whole(folder / LIBRARY_FILE, _library())


def _library() -> bytes:
    """plotly.js as its Python package carries it; of the package nothing else is loaded."""
    return importlib.resources.files("plotly").joinpath("package_data", LIBRARY_FILE).read_bytes()
