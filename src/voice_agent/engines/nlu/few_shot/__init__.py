"""The few-shot tier: a small classifier over sentence vectors, taught from examples in seconds.

text ─▶ normalised ─┬─▶ sentence vector ──┐
                    └─▶ words and n-grams ─┴─▶ logistic regression ─▶ reject rule ─▶ intent
"""
