def test_people_are_greeted(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    plugin = {$ class $}(config={"greeting": "Servus"})

    assert plugin.execute_template_function("greet", ["Ada"], ResolutionContext()) == "Servus, Ada!"
    assert caplog.messages == ["greeting Ada"]


def test_what_is_not_a_call_is_an_error() -> None:
    plugin = {$ class $}()

    with pytest.raises(PluginError, match=r"greet takes \(name\)"):
        plugin.execute_template_function("greet", [], ResolutionContext())
    with pytest.raises(PluginError, match="there's no function `great`"):
        plugin.execute_template_function("great", ["Ada"], ResolutionContext())


def test_its_functions_are_listed() -> None:
    assert [function.name for function in {$ class $}().get_functions()] == ["greet"]
