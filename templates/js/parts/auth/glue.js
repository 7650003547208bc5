/** `authenticate(context, credentials, host)` as the interface `auth`. */
export const asAuth = (plugin, host) => ({
  authenticate: (context, { kind, token, data }) =>
    answered(host, () => {
      const credentials = { type: kind, token, data: valueOf(data) };
      const { authenticated, userId = "", claims = {} } = plugin.authenticate(requestOf(context), credentials, host);
      // Something that's merely there lets nobody in.
      return { authenticated: authenticated === true, userId, claims: textsOf(claims) };
    }),
});
