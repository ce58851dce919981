"""Bugs in uploads and downloads, at either end."""

# A patch takes what the patched method takes and passes it on, whatever its type.
# pyright: reportUnknownArgumentType=false, reportUnknownMemberType=false, reportUnknownVariableType=false
from __future__ import annotations

from typing import Any, Final

from tests.simulation import scenarios, transfer_promises, validators
from tests.simulation.planting import Bugs, Patch

from duologue import Claim, Download, HeldUploads
from duologue.calling.streams import _Arriving
from duologue.drivers.port import wake
from duologue.handling.receiving import Receiving
from duologue.handling.uploads import HeldUpload
from duologue.session.decisions import IncomingCall, OutgoingCall
from duologue.session.transfers import Transfers
from duologue.wire import UploadForm

PLANTED: Final = Bugs()

caught_by = PLANTED.caught_by


# ------------------------------------------------------------------------------------------------------------- uploads
@caught_by(scenarios.transfers_on_a_bad_network, transfer_promises.uploads_go_on_where_they_were, seed=3)
def uploads_go_on_one_byte_too_late(patch: Patch) -> None:
    ack = Transfers.ack

    def skip(self: Transfers, call: IncomingCall, offset: int, window: int) -> None:
        ack(self, call, offset + (call.inflow is None and offset > 0), window)

    patch.setattr(Transfers, "ack", skip)


@caught_by(scenarios.transfers_on_a_bad_network, transfer_promises.uploads_go_on_where_they_were, seed=3)
def uploads_begin_anew_on_each_connection(patch: Patch) -> None:
    patch.setattr(HeldUploads, "abandon", HeldUploads.drop)


@caught_by(scenarios.transfers_in_calm, transfer_promises.uploads_are_whole, seed=1)
def the_digest_of_an_upload_is_not_compared(patch: Patch) -> None:
    def finish(self: HeldUpload) -> None:
        self._ended = self.complete = True

    patch.setattr(HeldUpload, "finish", finish)


@caught_by(scenarios.transfers_in_calm, transfer_promises.uploads_are_whole, seed=26)
def the_handler_starts_before_the_digest_is_checked(patch: Patch) -> None:
    """As many bytes as were declared are enough for it."""
    write = Receiving._write

    def hurry(self: Receiving) -> None:
        write(self)
        if self._held is not None and self._held.received == self._held.form.size:
            wake(self._waiting)

    patch.setattr(Receiving, "_write", hurry)


@caught_by(scenarios.transfers_on_a_bad_network, transfer_promises.bytes_arrive_as_they_were_sent, seed=18)
def what_is_held_is_given_to_another_key(patch: Patch) -> None:
    """The bytes that one upload left are taken for the beginning of the next."""
    make = HeldUploads._make

    def mix_up(self: HeldUploads, claim: Claim, form: UploadForm) -> HeldUpload:
        left = next((held for held in self._held.values() if held.is_abandoned and held.received < form.size), None)
        if left is None:
            return make(self, claim, form)
        del self._held[left.owner]
        left.owner, left.mark, left.form = (claim.identity, claim.key), claim.mark, form
        self._held[left.owner] = left
        return left

    patch.setattr(HeldUploads, "_make", mix_up)


@caught_by(scenarios.transfers_on_a_bad_network, validators.verdicts_are_true, seed=1)
def a_whole_upload_is_said_not_to_have_run(patch: Patch) -> None:
    """An upload that was cut may go on, also when all of it had been sent."""
    may_have_run: Any = OutgoingCall.may_have_run

    def deny(self: OutgoingCall) -> bool:
        return self.upload is None and bool(may_have_run.fget(self))

    patch.setattr(OutgoingCall, "may_have_run", property(deny))


@caught_by(scenarios.transfers_on_a_bad_network, validators.nothing_is_left_behind, seed=1)
def what_is_held_is_never_given_up(patch: Patch) -> None:
    def abandon(self: HeldUploads, held: HeldUpload) -> None:
        held.holder = None

    patch.setattr(HeldUploads, "abandon", abandon)


# ----------------------------------------------------------------------------------------------------------- downloads
@caught_by(scenarios.transfers_in_calm, transfer_promises.downloads_are_whole, seed=1)
def the_digest_of_a_download_is_not_compared(patch: Patch) -> None:
    patch.setattr(Download, "result", _Arriving.result)


@caught_by(scenarios.transfers_on_a_bad_network, transfer_promises.downloads_are_whole)
def downloads_are_retried_after_their_first_piece(patch: Patch) -> None:
    """What comes anew is taken for what follows."""
    begin = Download._begin_anew

    def anew(self: Download[Any], connection: Any, call: OutgoingCall) -> bool:
        assert call.inflow is not None
        call.inflow.received = 0
        return begin(self, connection, call)

    patch.setattr(Download, "_begin_anew", anew)
