"""How large what we send may be: Slack's limits, and our own budgets well inside them. Characters where not told."""

# Of Slack: beyond them it refuses the whole message.
BLOCKS, SECTION, FIELD, FIELDS = 50, 3000, 2000, 10
HEADER, BUTTON, BUTTONS, VALUE, ACTION_ID, CONTEXT = 150, 75, 25, 2000, 255, 10
VIEW_BLOCKS, VIEW_TITLE, OPTION = 100, 24, 75
# Ours. What a message's blocks hold in all: edits fail beyond a total that nobody documents, near 13,200.
MESSAGE, BLOCK, PLAIN = 9000, 2900, 3000
MOST_BLOCKS, MOST_PARTS = 45, 12
# What a view holds, and of a claim: sentences that are checked.
VIEW, CLAIM_SENTENCES = 20_000, 10
