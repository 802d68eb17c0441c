"""The engine runs Python programs through our language host as it would through the official one."""

from __future__ import annotations

import re

COMPONENTS = """
    import pulumi

    class Part(pulumi.ComponentResource):
        def __init__(self, name, opts=None):
            super().__init__("scratch:index:Part", name, {}, opts)
            self.size = pulumi.Output.from_input(3).apply(lambda size: size + 1)
            self.register_outputs({"size": self.size})

    part = Part("one")
    Part("two", pulumi.ResourceOptions(depends_on=[part]))
    print("a line on standard output")
    pulumi.export("size", part.size)
"""


def test_a_program_comes_up_changes_nothing_the_second_time_and_goes_away(project):
    project.describe(COMPONENTS)
    assert re.search(r"\+ 3 to create", project.run("preview"))
    assert re.search(r"\+ 3 created", project.run("up", "--yes"))
    assert project.output("size") == 4
    assert re.search(r"3 unchanged", project.run("up", "--yes", "--skip-preview"))
    assert re.search(r"- 3 deleted", project.run("destroy", "--yes"))
    assert project.resources() == []
    assert project.processes() == {}
    assert (project.home / "logs").read_bytes() == b""  # in the way of the engine's own log, and no trouble to it


def test_what_the_program_prints_is_shown(project):
    project.describe("""
        import sys
        print("to standard output")
        print("to standard error", file=sys.stderr)
    """)
    shown = project.run("preview")
    assert "to standard output" in shown
    assert "to standard error" in shown


def test_an_exception_fails_the_command_and_shows_the_users_own_frames_only(project):
    project.describe("""
        def deeper():
            raise ValueError("as asked")
        deeper()
    """)
    shown = project.run("preview", succeeds=False)
    assert "ValueError: as asked" in shown
    assert re.search(r'__main__.py", line 4, in <module>', shown)
    assert "runpy" not in shown
    assert "language_python" not in shown
    assert shown.count("Traceback") == 1


def test_an_exception_in_a_module_of_the_program_names_that_module(project):
    project.describe("import part\n")
    project.write("part.py", "raise LookupError('in the part')\n")
    shown = project.run("preview", succeeds=False)
    assert re.search(r'part.py", line 1', shown)
    assert "LookupError: in the part" in shown


def test_a_syntax_error_is_shown_with_its_line(project):
    project.describe("if True print()\n")
    shown = project.run("preview", succeeds=False)
    assert "SyntaxError" in shown
    assert "if True print()" in shown


def test_a_run_error_is_shown_as_one_sentence(project):
    project.describe("""
        import pulumi
        raise pulumi.RunError("the settings have two mistakes")
    """)
    shown = project.run("preview", succeeds=False)
    assert shown.rpartition("Diagnostics:")[2].count("error:") == 1, "nothing follows what the program said itself"
    assert "exit code" not in shown
    assert "Traceback" not in shown


def test_an_exit_code_of_the_program_is_reported(project):
    project.describe("import sys; sys.exit(7)\n")
    assert "exit code 7" in project.run("preview", succeeds=False)


def test_a_killed_program_is_reported_with_its_signal(project):
    project.describe("import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n")
    assert "SIGKILL" in project.run("preview", succeeds=False)


def test_configuration_and_secrets_reach_the_program_and_stay_what_they_are(project):
    project.describe("""
        import pulumi
        config = pulumi.Config()
        pulumi.export("word", config.require("word"))
        pulumi.export("hidden", config.require_secret("hidden"))
        pulumi.export("models", config.require_object("models"))
        pulumi.export("where", [pulumi.get_project(), pulumi.get_stack(), pulumi.get_organization()])
        print("dry run" if pulumi.runtime.is_dry_run() else "for real")
    """)
    project.run("config", "set", "word", "hello")
    project.run("config", "set", "--secret", "hidden", "hush")
    project.run("config", "set", "--path", "models.churn.active", "green")
    assert "dry run" in project.run("preview")
    assert "for real" in project.run("up", "--yes", "--skip-preview")
    assert project.output("word") == "hello"
    assert project.output("hidden") == "hush"
    assert project.output("models") == {"churn": {"active": "green"}}
    assert project.output("where") == ["scratch", "dev", "organization"]
    exported = project.run("stack", "export")
    assert "hello" in exported
    assert "hush" not in exported


def test_configuration_larger_than_an_environment_variable_may_be_reaches_the_program(project):
    project.describe("""
        import pulumi
        pulumi.export("length", len(pulumi.Config().require("long")))
    """)
    stack = project.directory / "Pulumi.dev.yaml"
    stack.write_text(f"{stack.read_text()}\nconfig:\n  scratch:long: {'x' * 200_000}\n")
    project.run("up", "--yes", "--skip-preview")
    assert project.output("length") == 200_000


def test_secret_configuration_is_not_in_the_programs_environment(project):
    project.describe("""
        import os, pulumi
        pulumi.export("seen", [name for name, value in os.environ.items() if "hush" in value])
    """)
    project.run("config", "set", "--secret", "hidden", "hush")
    project.run("up", "--yes", "--skip-preview")
    assert project.output("seen") == []


def test_the_program_may_live_in_a_folder_with_its_stacks_in_another(project):
    settings = "main: infra/\nstackConfigDir: stacks\n"
    project.write("stacks/.keep", "")
    project.describe("import beside, pulumi; pulumi.export('word', beside.word())\n", settings=settings)
    project.write("infra/beside.py", "import pulumi\ndef word():\n    return pulumi.Config().require('word')\n")
    project.run("config", "set", "word", "hello")
    assert (project.directory / "stacks" / "Pulumi.dev.yaml").is_file()
    project.run("up", "--yes", "--skip-preview")
    assert project.output("word") == "hello"


def test_the_program_may_be_one_file(project):
    project.describe("raise AssertionError('not this one')\n", settings="main: program.py\n")
    project.write("program.py", "import beside, pulumi; pulumi.export('word', beside.WORD)\n")
    project.write("beside.py", "WORD = 'hello'\n")
    project.run("up", "--yes", "--skip-preview")
    assert project.output("word") == "hello"


def test_a_missing_program_is_said_so(project):
    project.describe("")
    (project.directory / "__main__.py").unlink()
    shown = project.run("preview", succeeds=False)
    assert "no __main__.py" in shown
    assert "Traceback" not in shown


def test_a_missing_environment_is_named_with_what_makes_it(project):
    project.describe("")
    project.write("Pulumi.yaml", "name: scratch\nruntime: {name: python, options: {virtualenv: absent}}\n")
    shown = project.run("preview", succeeds=False)
    assert f"{project.directory}/absent/bin/python" in shown
    assert "pulumi install" in shown


def test_the_program_finds_the_tools_of_its_environment(project):
    project.describe("""
        import pathlib, shutil, sys
        import pulumi
        pulumi.export("same", pathlib.Path(shutil.which("python")).parent == pathlib.Path(sys.prefix) / "bin")
    """)
    project.run("up", "--yes", "--skip-preview")
    assert project.output("same") is True
