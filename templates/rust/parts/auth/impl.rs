impl Auth for {% include "rust/parts/struct.txt" %} {
    fn authenticate(&self, request: AuthRequest, host: &dyn Host) -> Result<Verdict> {
        let Credentials { kind, token, .. } = request.credentials;
        match token.and_then(|token| self.settings.tokens.get(&token)) {
            Some(user) => {
                host.info(&format!("{user} is known"));
                Ok(Verdict::accept(user).claim("type", kind))
            }
            None => {
                host.info("nobody has this token");
                Ok(Verdict::reject())
            }
        }
    }
}
