"""Where a team's notices go: a topic for people and programs, and one for a chat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from trainwright_runtime.notices import EVENTS

if TYPE_CHECKING:
    from trainwright_runtime.policy import TeamPolicy


class TrainingNotices(Construct):
    """Two SNS topics: `topic` for mail, queues, functions and web hooks, `chat_topic` for Amazon Q Developer in chat
    applications, which reads messages of its own form only. docs/notices.md has both forms.

    New topics take messages over TLS only. With the team's key they are encrypted with it; without one by SNS's own
    encryption of its disks (https://docs.aws.amazon.com/sns/latest/dg/sns-data-encryption.html), not under
    `alias/aws/sns`: that key's policy cannot be changed, so that no CloudWatch alarm or EventBridge rule of yours could
    send here (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html#compatibility-with-aws-services).

    :param policy: the team's. Each address in `notices.email` is subscribed to `topic`; SNS asks its owner to confirm.
    :param notices_topic: an existing topic instead of a new one. Its owner sees to its policy; the team's addresses
        are subscribed to it, and get of what is sent there just the team's own notices.
    :param chat_topic: the same for the chat.
    :param encryption_key: for new topics. Left out: no key of yours.
    """

    topic: sns.ITopic
    chat_topic: sns.ITopic

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        policy: TeamPolicy,
        notices_topic: sns.ITopic | None = None,
        chat_topic: sns.ITopic | None = None,
        encryption_key: kms.IKey | None = None,
    ) -> None:
        super().__init__(scope, id)
        self._team = policy.team
        self._key = encryption_key
        self._is_shared = notices_topic is not None
        self.topic = notices_topic or self._topic("Topic", "Training notices")
        self.chat_topic = chat_topic or self._topic("ChatTopic", "Training notices for chat")
        for address in policy.notices.email:
            self._subscribe(subscriptions.EmailSubscription(address), self._for_mail(policy.notices.events))

    def add_subscription(
        self, subscription: sns.ITopicSubscription, *, events: Sequence[str] | None = None
    ) -> sns.Subscription:
        """Send the team's notices somewhere: `SqsSubscription(queue)`, `LambdaSubscription(function)` and the like.

        :param events: which, of `trainwright_runtime.notices.EVENTS`. Left out: all that the team's policy sends, and
            whatever else reaches the topic.

        Raises ValueError for an event that there is none of, and for a subscription with a filter policy of its own.
        """
        if unknown := [event for event in events or () if event not in EVENTS]:
            raise ValueError(f"there is no notice {unknown[0]!r}; there are {', '.join(EVENTS)}")
        if events is not None and not events:
            raise ValueError(f"a subscription to no notice: leave `events` out, or name some of {', '.join(EVENTS)}")
        return self._subscribe(subscription, self._own() | ({} if events is None else {"event": list(events)}))

    def _subscribe(self, subscription: sns.ITopicSubscription, wanted: Mapping[str, Any]) -> sns.Subscription:
        made = self.topic.add_subscription(subscription)
        resource = made.node.default_child
        assert isinstance(resource, sns.CfnSubscription)  # noqa: S101  what an L2 subscription is made of
        if wanted and resource.filter_policy is not None:
            raise ValueError(
                "this subscription has a filter policy already: give `events` here, or that policy, not both"
            )
        if wanted:
            resource.filter_policy = dict(wanted)
        return made

    def _own(self) -> dict[str, Any]:
        """On a topic that others may share, the team's own notices only."""
        return {"team": [self._team]} if self._is_shared else {}

    def _for_mail(self, events: Sequence[str]) -> dict[str, Any]:
        """People also read what has no such attribute, such as alarms that somebody sends to the team's own topic.
        https://docs.aws.amazon.com/sns/latest/dg/attribute-key-matching.html"""
        if self._is_shared:
            return {**self._own(), "event": list(events or EVENTS)}  # SNS takes no empty list
        return {"event": [{"exists": False}, *events]}

    def _topic(self, id: str, title: str) -> sns.Topic:
        return sns.Topic(self, id, display_name=f"{title}: {self._team}"[:100], enforce_ssl=True, master_key=self._key)
