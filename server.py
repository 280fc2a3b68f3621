"""The command line, and the composition root: settings → parts → run. Nothing else knows the whole.

Exit codes: 0 done, 1 refused or failed with one line that says why, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import asyncio
import getpass
import os
import secrets
import signal
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from dispatch.settings import Settings
    from dispatch.store.database import Database
    from rooms.relay import Relay

HERE = Path(__file__).resolve()


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
        _check_seal(settings, strict=False)
    if options.only in ("engine", "janus", "recorder"):
        if options.worker not in range(1, settings.media_workers + 1):
            raise Refused(f"there is no worker {options.worker}: DISPATCH_MEDIA_WORKERS={settings.media_workers}")
        from dispatch.operations import janus, parts

        try:
            command = parts.command_of(settings, options.only, options.worker)
        except janus.JanusRefused as error:
            raise Refused(str(error)) from None
        os.execvp(command[0], command)
    part = _web(settings, options.listen_fd, options.tls_listen_fd, options.spare) if options.only == "web" else _jobs(settings)
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(part)
    return 0


def _demo(options: argparse.Namespace) -> int:
    return _supervise(_lan_settings(options), demonstration=True)


def _lan_settings(options: argparse.Namespace) -> Settings:
    if options.lan:
        os.environ["DISPATCH_LAN"] = options.lan  # the parts are told by their environment
    return _settings()


def _check_certificate(settings: Settings) -> None:
    """A certificate that was given is looked at before anything starts."""
    from dispatch.operations import certificate

    pair = certificate.pair_of(settings)
    if pair is not None and not settings.own_authority:
        try:
            certificate.check(pair, urlsplit(settings.public_url).hostname or "", datetime.now(UTC))
        except certificate.CertificateRefused as error:
            raise Refused(str(error)) from None


def _check_seal(settings: Settings, *, strict: bool) -> None:
    """The key of the seals is made where there is none, and one that was set is looked at before anything starts. A recorder alone
    starts without: what cannot be sealed yet is recorded all the same."""
    from dispatch.operations import seal_key
    from rooms.recording.signer import SignerUnusable

    try:
        seal_key.ensure(settings, datetime.now(UTC))
        if strict and not settings.seal_signer:  # a device may be plugged in later
            seal_key.of(settings).load()
    except SignerUnusable as error:
        if strict:
            raise Refused(str(error)) from None
        print(f"dispatch: {error}", file=sys.stderr, flush=True)


def _supervise(settings: Settings, *, demonstration: bool) -> int:
    """Serve all parts as children of this process until it is told to stop."""
    from dispatch.operations import greeting, janus, parts
    from dispatch.supervise import Supervisor, check_udp, listen

    _check_socket_paths(settings)
    _check_certificate(settings)
    _check_seal(settings, strict=True)
    _relay(settings)
    listeners = [listen(settings.host, settings.port)]
    if settings.has_certificate:
        listeners.append(listen(settings.host, settings.tls_port, "DISPATCH_TLS_PORT"))
    handed_down = tuple(listener.fileno() for listener in listeners)
    if settings.engine == "embedded":
        for port in settings.udp_ports:
            check_udp(settings.media_bind, port)
    prepare = [sys.executable, str(HERE), "migrate", *(["--demonstration"] if demonstration else [])]
    log_dir = settings.log or (settings.data / "log" if demonstration else None)

    def ready() -> None:
        print(greeting.demonstration_table(settings) if demonstration else f"dispatch: ready at {settings.public_url}", flush=True)
        if settings.own_authority:
            print(greeting.how_to_trust(settings), flush=True)
        if (told := _how_to_begin(settings)) is not None:
            print(told, flush=True)

    try:
        children = parts.of(settings, handed_down)
    except janus.JanusRefused as error:
        raise Refused(str(error)) from None
    return Supervisor(
        children,
        settings.run,
        prepare=prepare,
        log_dir=log_dir,
        probe=lambda: _answers(settings, "/readyz"),
        on_ready=ready,
    ).run()


def _check_socket_paths(settings: Settings) -> None:
    from dispatch.operations import parts

    longest = str(parts.longest_socket(settings))
    if len(longest.encode()) > 107:  # sun_path, unix(7)
        raise Refused(f"DISPATCH_DATA={settings.data}: this path is too long for the sockets below it ({len(longest)} of 107 characters)")


def _answers(settings: Settings, path: str) -> bool:
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104  compared, not bound
    try:
        with urllib.request.urlopen(f"http://{host}:{settings.port}{path}", timeout=0.5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


# ------------------------------------------------------------------------------------------------ the parts


async def _web(settings: Settings, listen_fd: int | None, tls_listen_fd: int | None, spare: bool) -> None:
    """Pages, API, signalling and conferences: the whole of the server but the workers. As a `spare` it waits for its turn."""
    from aiohttp import web

    from dispatch.archive import seals
    from dispatch.console.alerts.keeper import AlertKeeper
    from dispatch.console.field import figures as field_figures
    from dispatch.copies import figures as copies
    from dispatch.keeping import figures as keeping_figures
    from dispatch.notices import figures
    from dispatch.operations import upkeep, workers
    from dispatch.operations.certificate import CertificateRefused, Served
    from dispatch.sittings.live import LivePlane
    from dispatch.store.database import Database
    from dispatch.store.site import Site, key_file
    from dispatch.store.tables import utc_now
    from dispatch.supervise import listen
    from dispatch.vault import site as site_vault
    from dispatch.web import logs
    from dispatch.web.app import make_app, make_runner
    from dispatch.web.context import Context
    from rooms.hub import Hub
    from rooms.lasting import go_round, keep_what_is_loaded
    from rooms.media.client import EngineClient
    from rooms.media.pool import EnginePool
    from rooms.recording.client import RecorderClient
    from rooms.sealing import Sealing
    from rooms.spare import wait_until_needed
    from rooms.sqlite_log import SqliteLog

    logs.configure()
    if spare:
        wait_until_needed()
    listener = socket.socket(fileno=listen_fd) if listen_fd is not None else listen(settings.host, settings.port)
    try:
        served = Served(settings, datetime.now(UTC)) if settings.has_certificate else None
    except CertificateRefused as error:
        raise Refused(str(error)) from None
    run = settings.run.resolve()
    db = await Database.connect(settings.database, Site.of(settings))
    log = SqliteLog(settings.data / "log.db")
    hub = Hub(
        log=log,
        engine=EnginePool({worker.name: EngineClient(worker.socket) for worker in workers.of(settings)}),
        recorder=RecorderClient(run / "recorder.sock"),
        reserve=settings.data / "reserve.log",
        clock_us=lambda: time.time_ns() // 1000,
        owner=f"{socket.gethostname()}:{os.getpid()}",
        relay=_relay(settings),
        sealing=Sealing(key_file(settings.secrets / "sealing.key")),
    )
    live = LivePlane(db, hub, settings)
    runner = make_runner(make_app(Context(settings, db, hub, live, site_vault.of(settings))))
    await hub.start()
    await live.start()
    await runner.setup()
    await web.SockSite(runner, listener, backlog=1024).start()
    if served is not None:
        secure = (
            socket.socket(fileno=tls_listen_fd)
            if tls_listen_fd is not None
            else listen(settings.host, settings.tls_port, "DISPATCH_TLS_PORT")
        )
        await web.SockSite(runner, secure, backlog=1024, ssl_context=served.context).start()
    keep_what_is_loaded()
    stamps = bool(settings.tsa_url)
    counted = (figures.run(db), copies.run(db), seals.run(db, stamps), keeping_figures.run(db, utc_now))
    alerts = AlertKeeper(db, hub, settings).run()
    field = field_figures.run(db, settings.field_files, utc_now)
    duties = (alerts, go_round(lambda: hub.is_quiet), upkeep.run(settings, db, served), field, *counted)
    care = [asyncio.create_task(duty) for duty in duties]
    await _told_to_stop()
    for task in care:
        task.cancel()
    await asyncio.gather(*care, return_exceptions=True)
    await hub.close()  # browsers are told to come back before their sockets go
    await live.close()
    await runner.cleanup()
    await log.close()
    await db.close()


def _relay(settings: Settings) -> Relay:
    from dispatch.settings import SettingsError
    from rooms.relay import Relay

    try:
        secret = settings.read_turn_secret()
    except SettingsError as error:
        raise Refused(str(error)) from None
    return Relay(settings.turn_servers, secret, int(settings.turn_hours * 3600), settings.force_relay)


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


def _how_to_begin(settings: Settings) -> str | None:
    """Where a new site gets its first administrator, while it has none."""
    from dispatch.identity import first_run

    async def due() -> bool:
        db = await _database(settings)
        try:
            return await first_run.is_due(db)
        finally:
            await db.close()

    if not asyncio.run(due()):
        return None
    return f"dispatch: nobody may sign in yet: open {settings.public_url}/first-run, set-up code {first_run.code(settings.secrets)}"


if __name__ == "__main__":
    sys.exit(main())
