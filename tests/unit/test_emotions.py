"""A mood is believed when the words are plain about it, and answered with one that helps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.speech import Emotion
from voice_agent.engines.nlu.emotions import emotion_of
from voice_agent.engines.tts.prosody import Delivery, Manner, delivery

SENTENCES = {
    Emotion.NEUTRAL: [
        "",
        "Hi, I would like to check the status of my order.",
        "My order number is 1042.",
        "Yes please.",
        "No, thank you.",
        "Thanks, that's all.",
        "Okay, great, thanks.",
        "No problem at all, that's fine.",
        "What time do you open on Saturday?",
        "I'm not angry, I just want to know.",
        "My sister is happy with hers.",
        "You must be mad busy.",
        "She was sad about it.",
        "Which one is cheaper?",
        "Can you say that again please?",
        "It's a mad sale, I heard.",
        "I lost my password.",
        "I'm sorry, I meant Tuesday.",
        "Is the blue one still available?",
        "I'd like to book an appointment again.",
        "I'm a bit confused about nothing really, go on.",
        "Good morning.",
        "The package was left at the wrong door.",
        "I'm calling about my mother's appointment.",
        "Yeah, that works for me.",
        "It's the second time I've ordered from you.",
        "The screen is broken, can I get a refund?",
        "I don't know which one I ordered.",
        "No no, that's wrong, it's 1043.",
        "There is a problem with my invoice and it is still open.",
    ],
    Emotion.HAPPY: [
        "That's wonderful, thank you!",
        "I'm so happy it arrived!",
        "Oh fantastic, you're a lifesaver.",
        "Thank you so much, I really appreciate it.",
        "I love it, it's exactly what I wanted.",
        "Great, that's perfect, thanks!",
        "What a relief!",
        "You've been so helpful, thank you.",
        "We're thrilled with the service.",
    ],
    Emotion.FRUSTRATED: [
        "This is ridiculous.",
        "I've been waiting for three weeks.",
        "How many times do I have to tell you?",
        "I already told you my order number.",
        "It's still not working, I'm fed up.",
        "You're not listening.",
        "It's broken again, seriously.",
        "I'm not happy with this.",
        "I am really frustrated.",
        "I can't believe it's late again.",
        "This is the third time I'm calling.",
        "I'm sick and tired of this.",
        "For God's sake, just cancel it.",
        "I'm not satisfied at all.",
        "I am so disappointed.",
        "This is taking forever.",
        "Why is this so hard?",
    ],
    Emotion.ANGRY: [
        "I'm furious!",
        "You people are idiots.",
        "This is outrageous, you will hear from my lawyer.",
        "Shut up and give me a human.",
        "What the hell is wrong with you?",
        "I hate this stupid machine.",
        "You lied to me!",
        "I'm so angry right now.",
        "This is bullshit.",
        "You stole my money!",
    ],
    Emotion.SAD: [
        "My husband passed away last month.",
        "I'm so sad about it.",
        "I've been crying all day.",
        "I lost my job and I can't pay.",
        "I feel hopeless.",
        "My dog died and I need to cancel his insurance.",
        "It breaks my heart.",
        "I'm heartbroken, honestly.",
    ],
    Emotion.CONFUSED: [
        "I don't understand.",
        "What do you mean?",
        "I'm confused.",
        "That doesn't make sense to me.",
        "I have no idea how to do that.",
        "Wait, what?",
        "Huh? Sorry, which one?",
        "I'm not sure what you're asking.",
        "You lost me there.",
    ],
}
CASES = [(text, mood) for mood, texts in SENTENCES.items() for text in texts]


@pytest.mark.parametrize(("text", "mood"), CASES)
def test_the_words_tell_the_mood(text: str, mood: Emotion) -> None:
    assert emotion_of(text) is mood


@given(st.text(max_size=300))
def test_any_text_has_one_of_six_moods(text: str) -> None:
    assert emotion_of(text) in set(Emotion)


@pytest.mark.parametrize("word", ["happy", "angry", "sad", "confused", "frustrated"])
def test_a_mood_that_is_belittled_does_not_count(word: str) -> None:
    assert emotion_of(f"I'm {word}.") is not Emotion.NEUTRAL
    assert emotion_of(f"I'm a bit {word}.") is Emotion.NEUTRAL


def test_shouting_adds_weight() -> None:
    assert emotion_of("it is a bit ridiculous that it is wrong") is Emotion.FRUSTRATED
    assert emotion_of("i said it is wrong") is Emotion.FRUSTRATED
    assert emotion_of("where is my damn order") is Emotion.NEUTRAL
    assert emotion_of("THIS IS WRONG") is Emotion.NEUTRAL


def test_a_bad_mood_is_never_mirrored() -> None:
    assert delivery(Emotion.NEUTRAL) == Delivery()
    assert delivery(Emotion.FRUSTRATED).rate < 1 > delivery(Emotion.FRUSTRATED).pitch
    assert delivery(Emotion.ANGRY).liveliness < delivery(Emotion.NEUTRAL).liveliness
    assert delivery(Emotion.SAD).volume < 1
    assert delivery(Emotion.HAPPY).manner is Manner.BRIGHT
    assert delivery(Emotion.CONFUSED).rate == min(delivery(mood).rate for mood in Emotion)


@pytest.mark.parametrize("mood", Emotion)
def test_every_mood_is_answered_within_what_voices_can_do(mood: Emotion) -> None:
    manner = delivery(mood)

    assert 0.7 <= manner.rate <= 1.2
    assert 0.9 <= manner.pitch <= 1.1
    assert 0 <= manner.liveliness <= 1
