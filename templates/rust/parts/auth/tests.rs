#[test]
fn a_known_token_is_somebodys() -> Result<()> {
    let harness = PluginTestHarness::new(mockforge_plugin())
        .config(json!({ "tokens": { "a-token": "ada" } }))?;
    let ask = |token| {
        harness.authenticate(AuthRequest {
            credentials: Credentials::bearer(token),
            ..Default::default()
        })
    };
    assert_eq!(
        ask("a-token")?,
        Verdict::accept("ada").claim("type", "bearer")
    );
    assert_eq!(ask("another")?, Verdict::reject());
    assert_eq!(
        harness.host().logged()[0],
        (Level::Info, "ada is known".to_owned())
    );
    Ok(())
}
