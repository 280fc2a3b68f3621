"""The command line: settings → parts → run. Nothing else knows the whole.

Exit codes: 0 done, 1 refused or failed with one line that says why, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import secrets
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatch.settings import Settings
    from dispatch.store.database import Database


class Refused(Exception):
    """The command was refused or failed; the text is the one line that says why."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments[:1] == ["verify"]:  # on its own: the verifier must not depend on settings, database or network
        from rooms.verification.command import main as verify

        return verify(arguments[1:])
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    from dispatch.supervise import StartRefused

    try:
        return command(options)
    except (Refused, StartRefused) as error:
        print(f"dispatch: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 1


def _parser() -> argparse.ArgumentParser:
    from dispatch.operations.parts import PARTS

    parser = argparse.ArgumentParser(prog="server.py", description="Remote sittings: booking, hearing, recording, watching.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    serve = commands.add_parser("serve", help="serve everything on this machine, or one part of it")
    serve.add_argument("--only", choices=PARTS, help="run one part in the foreground, for instance as a unit of systemd")
    serve.add_argument("--worker", type=int, default=1, metavar="N", help="engine, janus: which of DISPATCH_MEDIA_WORKERS (default: 1)")
    serve.add_argument("--listen-fd", type=int, metavar="N", help="web: serve on this inherited socket instead of opening the port")
    serve.add_argument("--tls-listen-fd", type=int, metavar="N", help="web: the same for https")
    serve.add_argument("--spare", action="store_true", help="web: load everything, then wait for a line on standard input")
    serve.set_defaults(command=_serve)

    demo = commands.add_parser("demo", help="serve a demonstration: rooms, people, cases and today's sittings")
    demo.set_defaults(command=_demo)
    for command in (serve, demo):
        command.add_argument(
            "--lan", metavar="ADDRESS", help="this machine's address in the local network: serve https there for other devices"
        )

    migrate = commands.add_parser("migrate", help="bring the database to this version")
    migrate.add_argument("--demonstration", action="store_true", help="also fill it with the demonstration")
    migrate.set_defaults(command=_migrate)

    user = commands.add_parser("user", help="people who sign in").add_subparsers(required=True, metavar="ACTION")
    add = user.add_parser("add", help="add one; the password is read from standard input, or made and printed")
    add.add_argument("sign_in_name")
    add.add_argument("--name", help="name as shown (default: the sign-in name)")
    add.add_argument("--role", required=True, choices=("clerk", "judge", "prosecutor", "officer", "administrator", "field"))
    add.add_argument("--rank", default="watch", choices=("watch", "lead", "command"), help="of an officer (default: watch)")
    add.add_argument("--phone", default="")
    add.set_defaults(command=_user_add)

    check = commands.add_parser("check", help="look at settings, directories, disk, ports, fonts, clock and ffmpeg, and say what to mend")
    check.add_argument("--json", action="store_true", help="for programs")
    check.add_argument("--lang", choices=("en", "zh-CN"), help="language of the report (default: LANG)")
    check.set_defaults(command=_check)

    probe = commands.add_parser("probe", help="from a party's network: look whether a site can be reached, and name what is blocked")
    probe.add_argument("link", metavar="LINK", help="a personal link; it is not used up, and nobody in the sitting notices")
    probe.add_argument("--ca", type=Path, metavar="FILE", help="trust this certificate authority, as of a site with its own")
    probe.add_argument("--json", action="store_true", help="for programs")
    probe.add_argument("--lang", choices=("en", "zh-CN"), help="language of the report (default: LANG)")
    probe.set_defaults(command=_probe)

    drain = commands.add_parser("drain", help="have media workers take no new sittings and end when their last one closes")
    drain.add_argument("worker", type=int, nargs="?", metavar="WORKER", help="1 to DISPATCH_MEDIA_WORKERS (default: all of them)")
    drain.add_argument("--cancel", action="store_true", help="have them take new sittings again, and come back if they have ended")
    drain.set_defaults(command=_drain)

    procedure = commands.add_parser("procedure", help="by which version of its procedure each kind of sitting is held")
    procedure.add_argument("adopt", nargs="?", metavar="VERSION", help="hold by this one from now on: KIND/VERSION, or a file")
    procedure.add_argument("--lang", choices=("en", "zh-CN"), help="language of what is said (default: LANG)")
    procedure.set_defaults(command=_procedure)

    backup = commands.add_parser("backup", help="back up databases, recordings of closed sittings and secrets, also while the server runs")
    backup.add_argument("path", metavar="PATH", type=Path, help="a new directory, or a new file whose name ends in .tar")
    backup.set_defaults(command=_backup)

    restore = commands.add_parser("restore", help="put a backup into an empty data directory: all of it, checked, or nothing")
    restore.add_argument("path", metavar="PATH", type=Path, help="the directory or .tar file of a backup")
    restore.set_defaults(command=_restore)

    keys = commands.add_parser("keys", help="the keys of the store").add_subparsers(required=True, metavar="ACTION")
    keys.add_parser("list", help="which there are, and how many recordings each wraps").set_defaults(command=_keys, act="list")
    rotate = keys.add_parser("rotate", help="make a new one and have it wrap every recording's key; again, it goes on where it broke off")
    rotate.set_defaults(command=_keys, act="rotate")
    forgotten = keys.add_parser("forget", help="remove one that wraps nothing any more")
    forgotten.add_argument("key", metavar="KEY")
    forgotten.set_defaults(command=_keys, act="forget")

    checkout = commands.add_parser("checkout", help="write a recording out of the store as a plain folder: needs the key, no database")
    checkout.add_argument("sitting", metavar="SITTING")
    checkout.add_argument("path", type=Path, metavar="PATH", help="a new directory")
    checkout.set_defaults(command=_checkout)

    export = commands.add_parser("export", help="make a package of a sealed recording, with film and a page that verifies it")
    export.add_argument("recording", metavar="FOLDER", type=Path, help="the sitting's folder")
    export.add_argument("path", metavar="PATH", type=Path, help="a new directory, or a new file whose name ends in .zip or .iso")
    export.add_argument("--reason", required=True, help="why it is taken out without having been asked for and approved")
    export.add_argument("--no-database", action="store_true", help="there is no database to be had: no row of the audit log is written")
    export.set_defaults(command=_export)

    verify = commands.add_parser("verify", help="check a recording: needs no database and no network")
    verify.add_argument("path", metavar="PATH")
    return parser


def _settings() -> Settings:
    from dispatch.settings import SettingsError, load

    try:
        return load()
    except SettingsError as error:
        raise Refused(str(error)) from None


# ------------------------------------------------------------------------------------------------ serve, demo


def _serve(options: argparse.Namespace) -> int:
    settings = _lan_settings(options)
    if options.only is None:
        return _supervise(settings, demonstration=False)
    if options.only == "recorder":
        _make_seal_key(settings)
    if options.only in ("engine", "janus", "recorder"):
        if options.worker not in range(1, settings.media_workers + 1):
            raise Refused(f"there is no worker {options.worker}: DISPATCH_MEDIA_WORKERS={settings.media_workers}")
        from dispatch.operations import janus, parts

        try:
            command = parts.command_of(settings, options.only, options.worker)
        except janus.JanusRefused as error:
            raise Refused(str(error)) from None
        os.execvp(command[0], command)
    part = _web(settings, options) if options.only == "web" else _jobs(settings)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(part)
    return 0


def _make_seal_key(settings: Settings) -> None:
    """A recorder alone starts without one too: what cannot be sealed yet is recorded all the same."""
    from dispatch.operations import serving
    from dispatch.supervise import StartRefused

    try:
        serving.make_seal_key(settings)
    except StartRefused as error:
        print(f"dispatch: {error}", file=sys.stderr, flush=True)


def _demo(options: argparse.Namespace) -> int:
    return _supervise(_lan_settings(options), demonstration=True)


def _supervise(settings: Settings, *, demonstration: bool) -> int:
    from dispatch.operations import serving

    return serving.supervise(settings, lambda line: print(line, flush=True), demonstration=demonstration)


def _lan_settings(options: argparse.Namespace) -> Settings:
    if options.lan:
        os.environ["DISPATCH_LAN"] = options.lan  # the parts are told by their environment
    return _settings()


# ------------------------------------------------------------------------------------------------ the parts


async def _web(settings: Settings, options: argparse.Namespace) -> None:
    """Pages, API, signalling and conferences: the whole of the server but the workers. As a spare it waits for its turn."""
    from dispatch.web import logs, process
    from rooms.spare import wait_until_needed

    logs.configure()
    if options.spare:
        wait_until_needed()
    async with process.serving(settings, options.listen_fd, options.tls_listen_fd):
        await _told_to_stop()


async def _jobs(settings: Settings) -> None:
    """Composites and other derived work, at low priority; destructions that are due; looking after what is kept; and
    what people are told."""
    from dispatch.archive import stamping, work
    from dispatch.copies import expiry
    from dispatch.keeping import carrying_out
    from dispatch.notices import service
    from dispatch.vault import looking, space
    from dispatch.web import logs
    from dispatch.web.translations import catalogue

    logs.configure()
    telling = service.run(settings, lambda language: catalogue(language).gettext)
    alone = (work, stamping, expiry, carrying_out, looking, space)
    duties: list[Coroutine[Any, Any, None]] = [telling, *(duty.run(settings) for duty in alone), _told_to_stop()]
    tasks = [asyncio.create_task(duty) for duty in duties]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    failures = [r for r in await asyncio.gather(*tasks, return_exceptions=True) if isinstance(r, Exception)]
    if failures:
        raise failures[0]


async def _told_to_stop() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


# ------------------------------------------------------------------------------------------------ data


def _migrate(options: argparse.Namespace) -> int:
    asyncio.run(_prepare(_settings(), options.demonstration))
    return 0


async def _prepare(settings: Settings, demonstration: bool) -> None:
    db = await _database(settings)
    try:
        if demonstration:
            from dispatch import demo
            from dispatch.store.tables import utc_now

            await demo.seed(db, settings, utc_now())
    finally:
        await db.close()


async def _database(settings: Settings) -> Database:
    """The database, brought to this version."""
    from dispatch.store.database import Database, DatabaseUnavailable

    try:
        return await Database.open(settings)
    except DatabaseUnavailable as error:
        raise Refused(str(error)) from None


def _check(options: argparse.Namespace) -> int:
    import json

    from dispatch.operations import check, findings
    from dispatch.web.translations import catalogue

    gettext = catalogue(options.lang or _language()).gettext
    found = []
    for finding in check.run(os.environ):
        found.append(finding)
        if not options.json:
            print("\n".join(findings.lines([finding], gettext)), flush=True)
    report = findings.to_json(found, gettext)
    if options.json:
        print(json.dumps(report, ensure_ascii=False, default=str))
    return 0 if report["ok"] else 1


def _probe(options: argparse.Namespace) -> int:
    import json
    import logging

    from dispatch.operations import findings, probe
    from dispatch.web.translations import catalogue

    if options.ca is not None:
        if not options.ca.is_file():
            raise Refused(f"--ca {options.ca}: there is no such file")
        os.environ["SSL_CERT_FILE"] = str(options.ca)  # read by every TLS connection that is made from now on
    for library in ("aioice", "aiortc", "libav"):  # what fails is told in words
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    gettext = catalogue(options.lang or _language()).gettext

    async def look() -> list[findings.Finding]:
        found = []
        async for finding in probe.run(options.link):
            found.append(finding)
            if not options.json:
                print("\n".join(findings.lines([finding], gettext)), flush=True)
        return found

    try:
        report = findings.to_json(asyncio.run(look()), gettext)
    except probe.WrongLink as error:
        print(f"server.py probe: {error}", file=sys.stderr)
        return 2
    if options.json:
        print(json.dumps(report, ensure_ascii=False, default=str))
    return 0 if report["ok"] else 1


def _language() -> str:
    """Of the person at the command line, by the environment (POSIX, XBD 8.2)."""
    told = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    return "zh-CN" if told.lower().startswith("zh") else "en"


def _drain(options: argparse.Namespace) -> int:
    from dispatch.operations import drain, workers

    settings = _settings()
    there = workers.of(settings)
    if options.worker is not None and options.worker not in range(1, len(there) + 1):
        print(f"server.py drain: there is no worker {options.worker}: DISPATCH_MEDIA_WORKERS={len(there)}", file=sys.stderr)
        return 2
    chosen = there if options.worker is None else there[options.worker - 1 : options.worker]
    try:
        asyncio.run(drain.cancel(chosen, print) if options.cancel else drain.run(chosen, lambda line: print(line, flush=True)))
    except drain.DrainRefused as error:
        raise Refused(str(error)) from None
    return 0


def _procedure(options: argparse.Namespace) -> int:
    from dispatch.operations import procedure
    from dispatch.store.database import DatabaseUnavailable
    from dispatch.web.translations import catalogue

    language = options.lang or _language()
    try:
        if options.adopt:
            asyncio.run(procedure.adopt(_settings(), options.adopt, language, catalogue(language).gettext, print))
        else:
            asyncio.run(procedure.tell(_settings(), language, print))
    except (procedure.NotAdopted, DatabaseUnavailable) as error:
        raise Refused(str(error)) from None
    return 0


def _backup(options: argparse.Namespace) -> int:
    from dispatch.operations import commands
    from dispatch.operations.backup import BackupRefused

    try:
        commands.back_up(_settings(), options.path, print)
    except BackupRefused as error:
        raise Refused(str(error)) from None
    return 0


def _restore(options: argparse.Namespace) -> int:
    from dispatch.operations import commands
    from dispatch.operations.backup import BackupRefused

    try:
        commands.put_back(_settings(), options.path, print)
    except BackupRefused as error:
        raise Refused(str(error)) from None
    return 0


def _keys(options: argparse.Namespace) -> int:
    from dispatch.vault import keys

    settings = _settings()
    try:
        for line in asyncio.run(keys.command(settings, options.act, getattr(options, "key", ""))):
            print(line)
    except (keys.KeysRefused, OSError) as error:
        raise Refused(str(error)) from None
    return 0


def _checkout(options: argparse.Namespace) -> int:
    from dispatch.vault import site
    from rooms.vault.checkout import write_out

    try:
        write_out(site.of(_settings()), options.sitting, options.path)
    except OSError as error:
        raise Refused(str(error)) from None
    print(f"{options.path}: sitting {options.sitting}, decrypted; check it with: server.py verify {options.path}")
    return 0


def _export(options: argparse.Namespace) -> int:
    from dispatch.copies import emergency, verifier
    from dispatch.store.database import DatabaseUnavailable
    from rooms.packaging.package import Given, PackageRefused, build
    from rooms.verification.explanation import FILE

    if not options.reason.strip():
        raise Refused("--reason is empty")
    try:
        settings = None if options.no_database else _settings()
        if settings is not None and emergency.has_database(settings):
            explained = asyncio.run(emergency.note(settings, options.recording, options.path, options.reason))
        else:
            explained = None
            print("No database: this export is in no audit log.", file=sys.stderr)
        pages = {verifier.NAME: verifier.page()} | ({FILE: explained} if explained is not None else {})
        made = build(options.recording, options.path, Given(pages), datetime.now(UTC))
    except DatabaseUnavailable as error:
        raise Refused(f"{error}; with --no-database it is made without a row of the audit log") from None
    except (PackageRefused, OSError) as error:
        raise Refused(str(error)) from None
    print(f"{options.path}: sitting {made['sitting']}, SHA-256 of the manifest {made['manifest_sha256']}")
    return 0


def _user_add(options: argparse.Namespace) -> int:
    password = getpass.getpass("Password (empty: one is made): ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    made = "" if password else f"{secrets.token_urlsafe(9)}-7aK"
    asyncio.run(_add_user(_settings(), options, password or made))
    print(f"{options.sign_in_name} may sign in{f' with the password {made}' if made else ''}.")
    return 0


async def _add_user(settings: Settings, options: argparse.Namespace, password: str) -> None:
    from dispatch.errors import UserError
    from dispatch.identity.people import add_user

    db = await _database(settings)
    try:
        await add_user(
            db,
            name=options.name or options.sign_in_name,
            sign_in_name=options.sign_in_name,
            role=options.role,
            rank=options.rank,
            password=password,
            phone=options.phone,
        )
    except UserError as error:
        raise Refused(f"{options.sign_in_name}: {error}") from None
    finally:
        await db.close()


if __name__ == "__main__":
    sys.exit(main())
