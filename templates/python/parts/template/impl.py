    def execute_template_function(self, function_name: str, args: list[Any], ctx: ResolutionContext) -> str:
        if function_name != "greet":
            raise PluginError(f"there's no function `{function_name}`")
        if len(args) != 1 or not isinstance(args[0], str):
            raise PluginError("greet takes (name)")
        self.host.log("info", f"greeting {args[0]}")
        return f"{self.host.config().get('greeting', 'Hello')}, {args[0]}!"

    def get_functions(self) -> list[TemplateFunction]:
        name = FunctionParameter("name", "string", True, "Who it is")
        return [TemplateFunction("greet", "Greets somebody", [name], "string")]
