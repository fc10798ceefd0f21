"""Translates errors of kafka-python into those of ingest/errors.py."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from kafka import errors as kafka_errors
from kafka.errors import KafkaError

from ingest.errors import (
    LeaseLost,
    LogError,
    LogRefused,
    LogUnavailable,
    NewsIngestError,
    RebalanceRunning,
    RecordRefused,
    RecordTooLarge,
    TopicDiffers,
    TopicMissing,
)

#: Names of `kafka.errors` by their error here. A subclass is what its nearest named parent is;
#: what is not named and `retriable` is LogUnavailable.
_NAMES: dict[type[NewsIngestError], str] = {
    LeaseLost: """
        CommitFailedError FencedMemberEpochError IllegalGenerationError StaleMemberEpochError
        UnknownMemberIdError""",
    RebalanceRunning: "RebalanceInProgressError",
    RecordTooLarge: "MessageSizeTooLargeError RecordListTooLargeError",
    RecordRefused: "CorruptRecordError InvalidRecordError InvalidTimestampError",
    TopicMissing: """
        InconsistentTopicIdError InvalidTopicError UnknownTopicIdError
        UnknownTopicOrPartitionError""",
    TopicDiffers: """
        InvalidConfigurationError InvalidPartitionsError InvalidReplicationAssignmentError
        InvalidReplicationFactorError PolicyViolationError TopicAlreadyExistsError""",
    # These pass with a new producer or another broker.
    LogUnavailable: """
        BrokerNotAvailableError BrokerIdNotRegisteredError DuplicateSequenceNumberError
        IneligibleReplicaError InvalidFetchRequestError InvalidProducerEpochError
        InvalidProducerIdMappingError InvalidReceiveError InvalidUpdateVersionError
        KafkaProtocolError LogDirNotFoundError NewLeaderElectedError NotControllerError
        OffsetMovedToTieredStorageError OperationNotAttemptedError OutOfOrderSequenceNumberError
        QuotaViolationError ReassignmentInProgressError RetriableError SnapshotNotFoundError
        StaleBrokerEpochError StaleControllerEpochError UnknownBrokerIdError
        UnknownControllerIdError UnknownError UnknownProducerIdError""",
    LogRefused: """
        AuthorizationError DelegationTokenAuthDisabledError DelegationTokenExpiredError
        DelegationTokenNotFoundError DelegationTokenOwnerMismatchError
        DelegationTokenRequestNotAllowedError FencedInstanceIdError GroupMaxSizeReachedError
        IllegalSaslStateError InconsistentClusterIdError InconsistentGroupProtocolError
        InvalidGroupIdError InvalidPrincipalTypeError InvalidRequiredAcksError
        InvalidSessionTimeoutError KafkaConfigurationError MismatchedEndpointTypeError
        PrincipalDeserializationFailureError ProducerFencedError SaslAuthenticationFailedError
        SecurityDisabledError TopicDeletionDisabledError UnacceptableCredentialError
        UnrecognizedBrokerVersion UnreleasedInstanceIdError UnsupportedAssignorError
        UnsupportedCodecError UnsupportedCompressionTypeError UnsupportedEndpointTypeError
        UnsupportedForMessageFormatError UnsupportedSaslMechanismError
        UnsupportedVersionError""",
    # Only a bug in this adapter, or a feature it does not use, can cause these.
    LogError: """
        DuplicateBrokerRegistrationError DuplicateResourceError DuplicateVoterError
        FeatureUpdateFailedError FencedStateEpochError GroupIdNotFoundError
        GroupSubscribedToTopicError IllegalArgumentError IllegalStateError
        InconsistentVoterSetError InvalidCommitOffsetSizeError InvalidRecordStateError
        InvalidRegistrationError InvalidRequestError InvalidTransactionTimeoutError
        InvalidTxnStateError InvalidVoterKeyError LogTruncationError MemberIdRequiredError NoError
        NoOffsetForPartitionError NoReassignmentInProgressError NonEmptyGroupError
        OffsetMetadataTooLargeError OffsetOutOfRangeError PositionOutOfRangeError
        ResourceNotFoundError TelemetryTooLargeError TransactionAbortableError
        TransactionAbortedError TransactionCoordinatorFencedError TransactionalIdNotFoundError
        UnknownSubscriptionIdError VoterNotFoundError""",
}

_MEANINGS: dict[type[BaseException], type[NewsIngestError]] = {
    getattr(kafka_errors, name): meaning
    for meaning, names in _NAMES.items()
    for name in names.split()
    if hasattr(kafka_errors, name)
}

_REMEDIES: dict[type[NewsIngestError], str] = {
    LogUnavailable: "check that the broker runs and that its address in `log.url` is right",
    TopicMissing: "run `news-ingest setup`",
    TopicDiffers: "compare config/topics.yml with the broker: `news-ingest setup --dry-run`",
    LogRefused: "check `log` in config/pipeline.yml: user, password, certificates, rights",
}

#: Errors with a remedy of their own.
_OWN_REMEDIES: dict[type[BaseException], str] = {
    kafka_errors.InvalidSessionTimeoutError: (
        "set log.session_timeout_seconds within what the broker allows, from "
        "group.min.session.timeout.ms (usually 6 s) to group.max.session.timeout.ms"
    )
}


def meaning_of(kind: type[BaseException]) -> type[NewsIngestError] | None:
    """Return the error class here for one of the client library; None when none is named."""
    for parent in kind.__mro__:
        if parent in _MEANINGS:
            return _MEANINGS[parent]
    return None


def is_certificate_fault(error: BaseException | None) -> bool:
    """Return whether an untrusted certificate caused this error."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


def translated(error: BaseException, what: str, *, value: object = None) -> NewsIngestError:
    """Return our error for one of the client library."""
    meaning = LogRefused if is_certificate_fault(error) else meaning_of(type(error)) or LogError
    return meaning(
        f"{what}: {type(error).__name__}",
        value=value,
        origin=_text(error),
        remedy=_OWN_REMEDIES.get(type(error)) or _REMEDIES.get(meaning),
    )


@contextmanager
def translating(what: str, value: object = None) -> Iterator[None]:
    """Translate what is raised inside into our errors."""
    try:
        yield
    except KafkaError as error:
        raise translated(error, what, value=value) from error


def _text(error: BaseException) -> str | None:
    text = " ".join(str(part) for part in error.args)
    return text[:300] or None
