"""The page that follows a run: it needs no network but the monitor's own, and no build step."""

from typing import Final

from alo_lib.monitor.control_page import CONTROL_PART, CONTROL_SCRIPT

__all__ = ["STYLE", "page_of", "script_of"]

_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="generator" content="alo">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>alo monitor</title>
<link rel="stylesheet" href="monitor.css"></head>
<body><header><h1 id="name">alo monitor</h1><p id="standing" class="soft">reading the run for the first time</p>
<p id="problem" class="bad" role="alert" hidden></p>
<nav><a href="#blotter">blotter</a><a href="#performance">performance</a><a href="#risk">risk</a>
<a href="#latency">latency</a><a href="#journal">journal</a></nav></header>
<main>
<div id="cards" class="cards"></div>
<section id="blotter"><h2>Blotter</h2><div id="positions"></div><h3>Orders</h3><div id="orders"></div>
<h3>Last decisions</h3><div id="decisions"></div></section>
<section id="performance"><h2>Performance</h2><div id="equity"></div><div id="profit"></div></section>
<section id="risk"><h2>Risk</h2><div id="greeks"></div><div id="limits"></div>
<h3>Stress grid</h3><div id="stress"><p class="soft">reckoned when this part is in sight</p></div></section>
<section id="latency"><h2>Latency</h2><div id="times"></div><div class="pair"><div id="queues"></div>
<div id="tasks"></div></div><div id="process"></div></section>
<section id="journal"><h2>Journal</h2><div id="written"></div><h3>Notices</h3><div id="notices"></div></section>
</main><script src="monitor.js"></script></body></html>
"""

STYLE: Final = """
:root { color-scheme: light dark; --ground: #f6f7f9; --sheet: #ffffff; --ink: #1b2330; --soft: #5b6675;
  --rule: #dfe3e9; --good: #0a7f5a; --bad: #c62828; --accent: #2563eb; --gain: 10, 127, 90; --loss: 198, 40, 40; }
@media (prefers-color-scheme: dark) { :root { --ground: #0f131a; --sheet: #171d27; --ink: #e6eaf0; --soft: #97a3b4;
  --rule: #2a3342; --good: #34d399; --bad: #f87171; --accent: #60a5fa; --gain: 52, 211, 153; --loss: 248, 113, 113; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
header, main { max-width: 1280px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 20px; } main { padding-bottom: 48px; }
h1 { font-size: 24px; margin: 0; overflow-wrap: anywhere; } h2 { font-size: 18px; margin: 0 0 10px; }
h3 { font-size: 14px; margin: 16px 0 6px; color: var(--soft); font-weight: 600; }
p { margin: 2px 0; } .soft { color: var(--soft); } .good { color: var(--good); } .bad { color: var(--bad); }
nav { position: sticky; top: 0; display: flex; flex-wrap: wrap; gap: 4px 16px; padding: 8px 0; }
a { color: var(--accent); text-decoration: none; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 10px; margin: 10px 0 16px; }
.card, section { background: var(--sheet); border: 1px solid var(--rule); border-radius: 10px; }
.card { padding: 10px 14px; min-width: 0; } .card b { display: block; font-size: 18px; font-weight: 600; }
.card span { color: var(--soft); font-size: 13px; }
section { padding: 16px 20px; margin: 0 0 16px; scroll-margin-top: 8px; }
.scroll { max-height: 340px; overflow: auto; } .scroll.whole { max-height: none; }
section > div + div { margin-top: 14px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; font-variant-numeric: tabular-nums; }
th { position: sticky; top: 0; background: var(--sheet); color: var(--soft); font-weight: 600; text-align: left; }
th, td { padding: 4px 10px; border-bottom: 1px solid var(--rule); white-space: nowrap; }
td.w { white-space: normal; min-width: 220px; } th.n, td.n { text-align: right; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 20px; margin-top: 14px; }
svg { display: block; width: 100%; } svg .line { fill: none; stroke: var(--accent); stroke-width: 1.5; }
svg .bar { fill: var(--accent); } svg text { fill: var(--soft); font-size: 12px; } svg .rule { stroke: var(--rule); }
td svg { width: 150px; height: 22px; }
.used { display: inline-block; width: 90px; height: 8px; border-radius: 4px; background: var(--rule); overflow: hidden;
  vertical-align: middle; margin-left: 8px; } .used i { display: block; height: 100%; background: var(--accent); }
.used i.full { background: var(--bad); }
.fields { display: flex; flex-wrap: wrap; gap: 8px 12px; align-items: center; } label { color: var(--soft); }
button, input { font: inherit; color: var(--ink); background: var(--ground); border: 1px solid var(--rule);
  border-radius: 6px; padding: 4px 10px; max-width: 100%; } button { cursor: pointer; }
dialog { background: var(--sheet); color: var(--ink); border: 1px solid var(--rule); border-radius: 10px; }
@media (max-width: 760px) { header, main { padding-left: 10px; padding-right: 10px; } section { padding: 12px; }
  .pair { grid-template-columns: minmax(0, 1fr); } }
"""

_SCRIPT: Final = r"""
'use strict';
const DASH = '–', byId = id => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';
const make = (tag, marks, ...children) => { const node = document.createElement(tag);
  for (const [name, value] of Object.entries(marks || {})) node.setAttribute(name, value);
  node.append(...children); return node; };
const draw = (tag, marks, text) => { const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(marks || {})) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text; return node; };
const minus = text => text.replace(/^-/, '−');
const number = (value, places = 0) => value === null || value === undefined ? DASH
  : minus((+value.toFixed(places) || 0).toLocaleString('en-US',
    { minimumFractionDigits: places, maximumFractionDigits: places }));
const money = value => value === null || value === undefined ? DASH
  : (value < 0 ? '−$' : '$') + Math.abs(value).toLocaleString('en-US',
    { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const share = value => value === null || value === undefined ? DASH : number(100 * value, 1) + ' %';
const lasting = seconds => { if (seconds === null || seconds === undefined) return DASH;
  for (const [size, unit] of [[1, 's'], [1e-3, 'ms'], [1e-6, 'us']])
    if (Math.abs(seconds) >= size) return +(seconds / size).toPrecision(3) + ' ' + unit;
  return +(seconds * 1e9).toPrecision(3) + ' ns'; };
const words = text => text.replaceAll('_', ' ');
const quiet = text => make('p', { class: 'soft' }, text);
// What a part held is replaced, so the page does not grow.
const put = (id, ...nodes) => byId(id).replaceChildren(...nodes);
const table = (columns, rows, whole) => { const head = make('tr');
  for (const [title, kind] of columns) head.append(make('th', { class: kind || '' }, title));
  const body = make('tbody');
  for (const row of rows) { const line = make('tr');
    row.forEach((cell, place) => line.append(make('td', { class: columns[place][1] || '' }, cell)));
    body.append(line); }
  return make('div', { class: whole ? 'scroll whole' : 'scroll' }, make('table', {}, make('thead', {}, head), body)); };
const card = (title, value, tone) => make('div', { class: 'card' }, make('b', { class: tone || '' }, value),
  make('span', {}, title));
const bars = histogram => { const most = Math.max(...histogram.map(([, count]) => count), 1);
  const drawn = draw('svg', { viewBox: `0 0 ${Math.max(histogram.length, 12)} 10`, preserveAspectRatio: 'none' });
  histogram.forEach(([end, count], place) => { if (!count) return;
    const height = Math.max(10 * count / most, 0.6);
    const bar = draw('rect', { class: 'bar', x: place + 0.1, width: 0.8, y: 10 - height, height });
    bar.append(draw('title', {}, `up to ${lasting(end)}: ${number(count)}`)); drawn.append(bar); });
  return drawn; };
let across = 1000;
const curve = points => { const wide = Math.max(across, 260), high = 220;
  const values = points.map(([, value]) => value), low = Math.min(...values), top = Math.max(...values);
  const drawn = draw('svg', { viewBox: `0 0 ${wide} ${high}`, role: 'img', 'aria-label': 'equity over time' });
  const x = place => 4 + (wide - 8) * place / Math.max(points.length - 1, 1);
  const y = value => high - 34 - (high - 60) * (top > low ? (value - low) / (top - low) : 0.5);
  drawn.append(draw('line', { class: 'rule', x1: 0, x2: wide, y1: high - 24, y2: high - 24 }));
  drawn.append(draw('polyline', { class: 'line', points: values.map((v, at) => `${x(at)},${y(v)}`).join(' ') }));
  drawn.append(draw('text', { x: 4, y: 14 }, money(top)), draw('text', { x: 4, y: high - 30 }, money(low)));
  drawn.append(draw('text', { x: 4, y: high - 6 }, points[0][0].slice(0, 16)));
  drawn.append(draw('text', { x: wide - 4, y: high - 6, 'text-anchor': 'end' }, points.at(-1)[0].slice(0, 16)));
  return drawn; };
const used = each => { const full = each.ratio > 0.9, bar = make('i', full ? { class: 'full' } : {});
  bar.style.width = `${Math.max(0, Math.min(100, 100 * (each.ratio || 0)))}%`;
  return make('span', {}, make('span', { class: full ? 'bad' : '' }, share(each.ratio)),
    make('span', { class: 'used' }, bar)); };

const standing = told => { document.title = `${told.name}: ${told.phase}`;
  byId('name').textContent = told.name;
  const good = told.up || told.phase === 'stopped';
  put('standing', make('b', { class: good ? 'good' : 'bad', id: 'phase' }, told.phase + (told.late ? ', late' : '')),
    ` ${told.engine}, process ${told.pid ?? DASH}, ${told.time ?? DASH} New York, session `
    + `${told.session === null ? DASH : told.session_open ? 'open' : 'closed'}`);
  const overruns = Object.values(told.frames.tasks)
    .reduce((sum, each) => sum + each.work + each.preempted + each.page_fault + each.waited, 0);
  put('cards', card('equity', money(told.equity)), card('trades open', number(told.trades_open)),
    card(words((told.halts ?? []).join(', ')) || 'mode', words(told.mode ?? 'unknown'),
      told.mode === 'normal' ? 'good' : told.mode ? 'bad' : ''),
    card('broker', told.broker_connected ? 'connected' : 'disconnected', told.broker_connected ? '' : 'bad'),
    ...(told.standby ? [card('standby', !told.standby.up ? 'missing' : told.standby.warm ? 'warm' : 'not warm',
      told.standby.up && told.standby.warm ? '' : 'bad')] : []),
    card('frames with news', number(told.frames.run)), card('frames missed', number(told.frames.missed),
      told.frames.missed ? 'bad' : ''), card('overruns', number(overruns), overruns ? 'bad' : ''),
    card('not on disk yet', number(told.journal.lag))); };
const blotter = told => { const greek = each => [number(each.delta, 1), number(each.gamma, 2), number(each.vega, 1),
    number(each.theta, 1)];
  const columns = [['held'], ['quantity', 'n'], ['mark', 'n'], ['volatility', 'n'], ['delta', 'n'], ['gamma', 'n'],
    ['vega/pt', 'n'], ['theta/day', 'n']];
  put('positions', told.positions?.length ? table(columns, told.positions.map(each => [each.symbol,
    number(each.quantity), number(each.mark, 2), share(each.implied_volatility), ...greek(each)]))
    : quiet('nothing is held'));
  put('orders', told.blotter?.length ? table([['order', 'n'], ['time'], ['side'], ['quantity', 'n'], ['what'],
    ['filled', 'n'], ['price', 'n'], ['fee', 'n'], ['status'], ['reason']], told.blotter.map(each => [
    String(each.order), each.time.slice(0, 19), each.side, number(each.quantity), each.symbol, number(each.filled),
    number(each.price, 2), money(each.fee), words(each.status), each.reason])) : quiet('nothing was ordered'));
  put('decisions', told.decisions?.length ? table([['time'], ['what'], ['decision', 'w'], ['reason', 'w']],
    told.decisions.map(each => [each.time.slice(0, 19), each.what, each.text, each.reason]))
    : quiet('nothing was decided')); };
const performance = told => {
  put('equity', told.equity_curve?.length > 1 ? curve(told.equity_curve) : quiet('no equity was measured yet'));
  const parts = Object.entries(told.profit).filter(([, value]) => Math.abs(value) >= 0.005);
  const sum = Object.values(told.profit).reduce((all, value) => all + value, 0);
  put('profit', table([['made of'], ['money', 'n']], [...parts.map(([part, value]) => [part, money(value)]),
    [make('b', {}, 'profit'), make('b', { id: 'sum' }, money(sum))]], true)); };
const risk = told => {
  put('greeks', told.greeks.length ? table([['underlying'], ['structures', 'n'], ['spot', 'n'], ['delta', 'n'],
    ['gamma', 'n'], ['vega/pt', 'n'], ['theta/day', 'n'], ['value', 'n']], told.greeks.map(each => [each.underlying,
    number(each.structures), number(each.spot, 2), number(each.delta, 1), number(each.gamma, 2), number(each.vega, 1),
    number(each.theta, 1), money(each.value)])) : quiet('nothing was measured yet'));
  const limits = told.limits.filter(each => each.used !== 0);
  put('limits', limits.length ? table([['limit'], ['of'], ['used', 'n'], ['allowed', 'n'], ['share', 'n']],
    limits.map(each => [each.limit, each.days === 'all' ? each.underlying : `${each.days} days on`,
      number(each.used), number(each.allowed), used(each)])) : quiet('no limit is used')); };
const latency = told => {
  put('times', table([['of'], ['count', 'n'], ['min', 'n'], ['median', 'n'], ['95 %', 'n'], ['99 %', 'n'],
    ['99.9 %', 'n'], ['max', 'n'], ['distribution']], Object.entries(told.latency).filter(([, each]) => each.count)
    .map(([name, each]) => [words(name), number(each.count), lasting(each.min), lasting(each.median),
      lasting(each.p95), lasting(each.p99), lasting(each.p999), lasting(each.max), bars(each.histogram)]), true));
  put('queues', told.queues.length ? table([['queue'], ['waiting', 'n'], ['of', 'n'], ['lag', 'n']],
    told.queues.map(each => [each.ring, number(each.waiting), number(each.capacity), lasting(each.lag)]))
    : quiet('the core is in its host\'s process: there are no queues'));
  put('tasks', table([['task'], ['budget', 'n'], ['overruns', 'n'], ['degraded', 'n'], ['skipped', 'n']],
    Object.entries(told.frames.tasks).map(([task, each]) => [task, lasting(each.budget), number(each.work
      + each.preempted + each.page_fault + each.waited), number(each.degraded), number(each.skipped)])));
  const of = told.process, counted = Object.entries(of.counters).filter(([, count]) => count !== null);
  put('process', quiet(`processor ${lasting(of.user_seconds + of.system_seconds)}, memory `
    + `${number(of.resident / 1e6)} MB, page faults ${number(of.faults.minor)}, `
    + `${number(of.faults.major)} of them from disk, switches ${number(of.switches.voluntary)} and `
    + `${number(of.switches.involuntary)} forced; hardware counters `
    + (counted.length ? counted.map(([name, count]) => `${words(name)} ${count.toExponential(2)}`).join(', ')
      : 'not supported'))); };
const journal = told => { const of = told.journal, frames = told.frames;
  put('written', quiet(`${number(of.messages)} messages, ${number(of.durable)} on disk; refused `
    + `${number(frames.refused)}, conflated ${number(frames.conflated)}, undelivered ${number(frames.undelivered)}; `
    + `${number((of.disk_free ?? 0) / 1e9, 1)} GB of disk free`), table([['kind'], ['messages', 'n']],
    Object.entries(of.kinds).map(([kind, count]) => [words(kind), number(count)])));
  put('notices', told.notices?.length ? table([['time'], ['what'], ['notice', 'w']], told.notices.map(each =>
    [each.time.slice(0, 19), each.what, each.text])) : quiet('nothing was said')); };

const grid = told => { const ladder = told.ladder, day = ladder.together[0];
  const most = Math.max(...day.flat().map(Math.abs), 1);
  const moved = move => (move > 0 ? '+' : '') + minus(String(Math.round(1000 * move) / 10)) + ' %';
  const shown = table([['volatility'], ...ladder.spot_moves.map(move => [moved(move), 'n'])],
    day.map((row, place) => [moved(ladder.volatility_moves[place]), ...row.map(number0)]));
  const cells = [...shown.querySelectorAll('td.n')];
  day.flat().forEach((value, place) => { if (value !== null) cells[place].style.background =
    `rgba(var(--${value < 0 ? 'loss' : 'gain'}), ${(0.45 * Math.abs(value) / most).toFixed(3)})`; });
  put('stress', quiet(`profit today by move of spot (across) and of volatility, as of ${told.time}; `
    + `the stress test's worst loss is ${money(told.stress.worst)}`), shown); };
const number0 = value => number(value);
let inSight = false, asking = false;
const ask = async () => { if (!inSight || asking) return;
  asking = true;
  try { const answer = await fetch('risk.json'), told = await answer.json();
    if (answer.ok) grid(told); else put('stress', quiet(told.problem)); }
  catch (error) { put('stress', quiet('the monitor does not answer')); }
  finally { asking = false; } };
new IntersectionObserver(seen => { inSight = seen[0].isIntersecting; ask(); }).observe(byId('risk'));
setInterval(ask, 30000);

const tell = problem => { const place = byId('problem');
  place.hidden = !problem; place.textContent = problem; };
// Where somebody scrolled to stays, and nothing asks for a layout while parts are replaced.
const scrolled = new Map();
document.addEventListener('scroll', event => { const of = event.target;
  if (of.classList?.contains('scroll')) scrolled.set(of.parentNode.id, [of.scrollLeft, of.scrollTop]); }, true);
new ResizeObserver(([seen]) => { across = seen.contentRect.width; }).observe(byId('equity'));
// Parts that tell the same are left alone.
const parts = [[standing, told => told], [blotter, told => [told.positions, told.blotter, told.decisions]],
  [performance, told => [told.equity_curve, told.profit, across]], [risk, told => [told.greeks, told.limits]],
  [latency, told => [told.latency, told.queues, told.frames, told.process]],
  [journal, told => [told.journal, told.frames, told.notices]]];
const shown = new Map();
let waiting = null;
const show = told => { if (document.hidden) { waiting = told; return; }
  tell(told.problem || '');
  if (!told.name) return;
  for (const [part, of] of parts) { const now = JSON.stringify(of(told));
    if (shown.get(part) !== now) { part(told); shown.set(part, now); } }
  for (const [id, [left, top]] of scrolled) { const again = byId(id).querySelector('.scroll');
    if (again && (left || top)) { again.scrollLeft = left; again.scrollTop = top; } } };
document.addEventListener('visibilitychange', () => { if (!document.hidden && waiting) { show(waiting);
  waiting = null; } });
const source = new EventSource('events');
source.onmessage = event => { show(JSON.parse(event.data)); };
source.onerror = () => tell('the monitor does not answer; what is shown is old');
"""


def page_of(*, control: bool) -> str:
    """The page; with ``control`` it also steers."""
    if not control:
        return _PAGE
    linked = _PAGE.replace("<nav>", '<nav><a href="#control">control</a>', 1)
    return linked.replace('<section id="blotter">', CONTROL_PART + '<section id="blotter">', 1)


def script_of(*, control: bool) -> str:
    """Its script."""
    return _SCRIPT + CONTROL_SCRIPT if control else _SCRIPT
