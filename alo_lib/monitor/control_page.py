"""The part of the monitor's page that steers, where the monitor takes commands."""

from typing import Final

from alo_lib.records.operators import OperatorCommand

__all__ = ["CONTROL_PART", "CONTROL_SCRIPT"]

_BUTTONS: Final = "\n".join(
    f'<button type="button" data-command="{each.word}" title="{each.meaning}">{each.word}</button>'
    for each in (*(command for command in OperatorCommand if command), OperatorCommand.STATUS)
)

CONTROL_PART: Final = f"""<section id="control"><h2>Control</h2>
<div class="fields"><label>token <input id="token" type="password" autocomplete="off" spellcheck="false"></label>
<label>limit <input id="limit" placeholder="max-drawdown=10%" autocomplete="off" spellcheck="false"></label>
<label><input id="loosen" type="checkbox"> a limit may be loosened</label></div>
<div class="fields">{_BUTTONS}</div>
<p id="answer" class="soft" role="status">what is asked is journaled, and counts from the next frame on</p>
<dialog id="sure"><p id="question"></p><div class="fields"><button type="button" id="yes">do it</button>
<button type="button" id="no">leave it</button></div></dialog></section>
"""

CONTROL_SCRIPT: Final = r"""
const answered = (sentence, good) => { const place = byId('answer');
  place.className = good ? 'good' : 'bad'; place.textContent = sentence; };
const steer = async command => {
  const asked = { command };
  if (command === 'set-limit') asked.limit = byId('limit').value;
  if (byId('loosen').checked) asked.confirm = true;
  answered(`${command}: waiting for the core`, true);
  try {
    const answer = await fetch('command', { method: 'POST', body: JSON.stringify(asked),
      headers: { 'Authorization': `Bearer ${byId('token').value}`, 'Content-Type': 'application/json' } });
    answered((await answer.json()).sentence, answer.ok);
  } catch (error) { answered(`${command}: the monitor does not answer, or the token is none`, false); }
  byId('loosen').checked = false; };
let wanted = '';
for (const button of document.querySelectorAll('[data-command]')) button.addEventListener('click', () => {
  wanted = button.dataset.command;
  if (wanted === 'status') { steer(wanted); return; }
  const limit = wanted === 'set-limit' ? ` ${byId('limit').value}` : '';
  byId('question').textContent = `${wanted}${limit} to ${byId('name').textContent}: ${button.title}`;
  byId('sure').showModal(); });
byId('yes').addEventListener('click', () => { byId('sure').close(); steer(wanted); });
byId('no').addEventListener('click', () => byId('sure').close());
"""
