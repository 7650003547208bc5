#[test]
fn people_are_greeted() -> Result<()> {
    let harness =
        PluginTestHarness::new(mockforge_plugin()).config(json!({ "greeting": "Servus" }))?;
    assert_eq!(
        harness.execute("greet", [json!("Ada")])?,
        json!("Servus, Ada!")
    );
    assert_eq!(
        harness.host().logged(),
        [(Level::Info, "greeting Ada".to_owned())]
    );
    assert!(harness.execute("greet", []).is_err(), "a name is needed");
    Ok(())
}
