/** The functions that templates can call. */
export const functions = [
  {
    name: "greet",
    description: "Greets somebody",
    parameters: [{ name: "name", type: "string", required: true, description: "Who it is" }],
    returnType: "string",
  },
];

/** Runs one. `context` is `{ environment, request }`, the request's context if there's one. */
export function execute(name, args, context, host) {
  if (name !== "greet") throw new PluginError(`there's no function \`${name}\``);
  if (args.length !== 1 || typeof args[0] !== "string") throw new PluginError("greet takes (name)");
  host.log("info", `greeting ${args[0]}`);
  return `${host.config().greeting ?? "Hello"}, ${args[0]}!`;
}
