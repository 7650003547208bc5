    mockforge.exportCall("template_function", execute);
    mockforge.exportCall("template_functions", functions);
