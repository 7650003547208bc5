// Between the interfaces of `mockforge:plugin` and plugin.js: what's JSON text there is a value here.
//
// Numbers are JavaScript's: of integers beyond 2^53 the last digits are lost.

/** An error in the plugin's own words: the host says them to whoever asked. */
export class PluginError extends Error {}

/** The host's functions. */
export const hostOf = (wit) => ({
  config: () => JSON.parse(wit.config()),
  log: wit.log,
  now: () => Number(wit.nowMs()),
  random: wit.random,
  asset: (path) => asked(() => wit.asset(path)),
  call: (dependency, call, request) => JSON.parse(asked(() => wit.call(dependency, call, JSON.stringify(request)))),
});

/** What the host gives; its error, which comes as `payload`, is the plugin's. */
function asked(ask) {
  try {
    return ask();
  } catch (error) {
    throw new PluginError(error.payload ?? error.message);
  }
}

/** What the plugin answers; its error is thrown as the text that an interface wants. A mistake has a line in the log, too. */
function answered(host, answer) {
  try {
    return answer();
  } catch (error) {
    if (!(error instanceof PluginError)) host.log("error", `${error?.stack ?? ""}`);
    throw String(error?.message ?? error);
  }
}

const valueOf = (text) => (text === undefined ? undefined : JSON.parse(text));

const bodyOf = (body) => (body === undefined || body.tag === "text" ? body?.val : JSON.parse(body.val));

/** Names and values as an object. One of the name `__proto__` is a name like others. */
const objectOf = (pairs) => Object.fromEntries(pairs);

const requestOf = ({ headers, body, ...rest }) => ({ ...rest, headers: objectOf(headers), body: bodyOf(body) });

/** Pairs of names and JSON texts. */
const textsOf = (object) => Object.entries(object).map(([name, value]) => [name, JSON.stringify(value) ?? "null"]);
{% for type in types %}

{% include "js/parts/" ~ type ~ "/glue.js" %}
{% endfor %}
