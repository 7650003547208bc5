/** `execute(name, args, context, host)` and the list `functions` as the interface `template`. */
export const asTemplate = (plugin, host) => ({
  execute: (name, args, { environment, requestContext }) =>
    answered(host, () => {
      const known = objectOf(environment.map(([name, text]) => [name, JSON.parse(text)]));
      const context = { environment: known, request: requestContext && requestOf(requestContext) };
      return JSON.stringify(plugin.execute(name, args.map(valueOf), context, host)) ?? "null";
    }),
  functions: () =>
    plugin.functions.map(({ name, description = "", parameters = [], returnType = "string" }) => ({
      name,
      description,
      parameters: parameters.map(({ name, type, required = true, description = "" }) => ({ name, kind: type, required, description })),
      returnType,
    })),
});
