    def authenticate(self, ctx: PluginContext, creds: AuthCredentials) -> AuthResult:
        user = self.host.config().get("tokens", {}).get(creds.token)
        if user is None:
            self.host.log("info", "nobody has this token")
            return AuthResult(authenticated=False)
        self.host.log("info", f"{user} is known")
        return AuthResult(authenticated=True, user_id=user, claims={"type": creds.credential_type})
