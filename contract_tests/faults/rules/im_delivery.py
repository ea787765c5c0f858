"""Messages of people: how they are delivered, and answered."""

from replacing import fault

_DELIVERY = "delivery of messages"
"""The server's tests of what people write and are answered, which no operation shows."""


@fault(
    replaces="agentserver_reference.domain.im_messages.key_of",
    kind="used-twice",
    operations=["configure_matrix_channel"],
    by=_DELIVERY,
)
def message_starts_a_turn_each_time(original, channel_id, message_id):
    """The key of a turn is another one each time that a message is delivered."""
    return f"{original(channel_id, message_id)}:{id(object())}"


@fault(
    replaces="agentserver_reference.storage.im_messages.accept",
    kind="duplicate-accepted",
    operations=["configure_matrix_channel"],
    by=_DELIVERY,
)
def message_kept_twice(original, conn, channel_id, cursors, messages, now):
    """A message that comes again is kept again."""
    renamed = [{**each, "message_id": each["id"]} for each in messages]
    original(conn, channel_id, cursors, renamed, now)


@fault(
    replaces="agentserver_reference.storage.im_messages.accept",
    kind="list-incomplete",
    operations=["configure_matrix_channel"],
    by=_DELIVERY,
)
def cursor_moves_over_messages(original, conn, channel_id, cursors, messages, now):
    """The cursor moves over all messages of a batch, of which only the first is kept."""
    original(conn, channel_id, cursors, list(messages)[:1], now)


@fault(
    replaces="agentserver_reference.storage.im_messages.go_on_with",
    kind="write-not-stored",
    operations=["configure_matrix_channel"],
    by=_DELIVERY,
)
def conversations_forget_their_thread(original, conn, channel_id, user_id, thread_id):
    """Each message begins a new thread."""


@fault(
    replaces="agentserver_reference.domain.im_messages.is_wanted",
    kind="argument-ignored",
    operations=["update_im_channel"],
    by=_DELIVERY,
)
def mention_not_required(original, mode, *, require_mention, is_group, mentioned):
    """In groups, everything is taken for a message to the bot."""
    return True


@fault(
    replaces="agentserver_reference.domain.im_messages.pause_after",
    kind="wrong-value",
    operations=["configure_matrix_channel"],
    by=_DELIVERY,
)
def services_given_no_rest(original, failures):
    """After a failure, a service is asked again at once."""
    return 0.0


@fault(
    replaces="agentserver_reference.services.im_sandboxes.is_same",
    kind="scope-not-checked",
    operations=["bind_sandbox_im_channel"],
    by=_DELIVERY,
)
def any_secret_answers_people(original, secret, given):
    """Whoever knows the id of a sandbox writes to the people of its channel."""
    return True
