def test_a_known_token_is_somebodys(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    plugin = {$ class $}(config={"tokens": {"a-token": "ada"}})

    known = plugin.authenticate(CONTEXT, AuthCredentials("bearer", "a-token"))

    assert known == AuthResult(True, "ada", {"type": "bearer"})
    assert caplog.messages == ["ada is known"]
    assert plugin.authenticate(CONTEXT, AuthCredentials("bearer", "another")) == AuthResult(False)
    assert plugin.authenticate(CONTEXT, AuthCredentials("bearer")) == AuthResult(False)
