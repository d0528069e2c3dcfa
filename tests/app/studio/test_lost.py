"""What a killed server was bringing in is told by the page Fine-tune, until it has been read."""

from app.studio_tools import ME, lines

from visionlab.learning.projects.workspace import Workspace
from visionlab.ui.shared.visitor import COOKIE


def test_what_did_not_come_in_is_told_until_it_is_read(open_page, app, workspace_folder):
    project = Workspace(workspace_folder).create("Pets", ME)
    (project.folder / "lost.txt").write_text("The server ended while 20 pictures of “*cats*” came in.\n", "utf-8")
    app.session_state[COOKIE] = ME
    app.query_params["project"] = project.id
    open_page("Fine-tune")
    app.query_params["project"] = project.id
    for _ in range(2):
        app.run()
        assert "20 pictures of “*cats*” came in" in lines(app)
    app.button(key="lost-seen").click().run()
    assert not app.exception
    assert "came in" not in lines(app)
