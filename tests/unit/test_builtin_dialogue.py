"""Dialogues with the built-in model, as tables."""

from support.dialogue import FOUR_TOOLS, Dialogue


def test_where_is_my_order_with_its_number_is_looked_up_and_answered() -> None:
    dialogue = Dialogue(FOUR_TOOLS)
    assert dialogue.hear("where is my order ten forty two") == [
        ("check_order_status", {"order_id": "1042"})
    ]
    assert dialogue.said.startswith("Good news: order 1042 has shipped")
