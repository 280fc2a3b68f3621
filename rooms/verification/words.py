"""What verification says, in plain words of both languages: (English, Chinese)."""

from __future__ import annotations

LANGUAGES = ("en", "zh-CN")

TEXTS = {
    "manifest_missing": ("the manifest is missing", "缺少清单文件"),
    "manifest_unreadable": ("the manifest cannot be read: {detail}", "清单文件无法读取：{detail}"),
    "manifest_changed": ("the manifest was changed after sealing", "清单文件在封存后被改动"),
    "manifest_other": ("this is not the manifest with SHA-256 {detail}", "这不是 SHA-256 为 {detail} 的清单文件"),
    "file_missing": ("the file is missing", "文件缺失"),
    "file_unreadable": ("the file cannot be read: {detail}", "文件无法读取：{detail}"),
    "file_not_regular": ("this is not a regular file", "这不是普通文件"),
    "file_resized": ("the file was changed: it has {detail}", "文件被改动：大小为 {detail}"),
    "file_changed": ("the content was changed", "文件内容被改动"),
    "file_swapped": ("the file holds what belongs in {detail}", "文件内容属于 {detail}，已被调换"),
    "file_extra": ("the file was added after sealing", "封存后添加的文件"),
    "sm3_other": ("the content has another SM3 than the manifest says", "文件内容的 SM3 与清单不符"),
    "signature_missing": (
        "the signature of {detail} is missing: it was taken away, or never made",
        "缺少 {detail} 的签名：已被移走或未曾签署",
    ),
    "signature_changed": ("the signature was changed", "签名文件被改动"),
    "signature_other": ("this is the signature of another manifest", "这是另一份清单的签名"),
    "signature_wrong": ("this is no signature of {detail} over this manifest", "这不是 {detail} 对本清单的签名"),
    "signer_other": ("somebody else than {detail} signed", "签署者不是 {detail}"),
    "certificate_refused": ("the signer's certificate was not good: {detail}", "签署者的证书无效：{detail}"),
    "stamp_changed": ("the time-stamp was changed", "时间戳被改动"),
    "stamp_other": ("this is a time-stamp of something else than {detail}", "这不是 {detail} 的时间戳"),
    "prefix_changed": ("what was written up to {detail} was changed", "{detail} 之前写入的内容被改动"),
    "rows_broken": ("row {detail} of the rolling digests was changed, moved or removed", "滚动摘要第 {detail} 行被改动、移动或删除"),
    "log_row": ("row {detail} of the event log was changed, moved or removed", "事件日志第 {detail} 行被改动、移动或删除"),
    "opened_other": ("row {detail} of the log opens something else than was sealed", "事件日志第 {detail} 行开启的与密封的不符"),
    "log_cut": ("the event log does not end where the manifest says: {detail}", "事件日志的结尾与清单不符：{detail}"),
}
WORDS = {
    "ok": ("Unchanged since it was sealed", "自封存以来未被改动"),
    "bad": ("PROBLEMS FOUND", "发现问题"),
    "sitting": ("Sitting", "场次"),
    "sealed": ("Sealed at", "封存时间"),
    "files": ("Files checked", "已校验文件"),
    "events": ("Rows of the event log", "事件日志行数"),
    "gaps": ("Gaps stated in the ledger", "台账中记载的中断"),
    "lost": ("Files that were lost before sealing, as the manifest states", "清单注明封存前已丢失的文件"),
    "digest": ("SHA-256 of the manifest", "清单文件的 SHA-256"),
    "digest_sm3": ("SM3 of the manifest", "清单文件的 SM3"),
    "sm3": ("SM3 of the files", "文件的 SM3"),
    "sm3_checked": ("checked", "已校验"),
    "sm3_absent": ("not stated in this manifest", "本清单未记载"),
    "sm3_unchecked": ("not checked: this Python has no SM3", "未校验：本机 Python 不支持 SM3"),
    "unsealed": (
        "NOT SEALED: whatever the rolling digests cover is as it was written; what came after is not proven",
        "尚未封存：滚动摘要所覆盖的内容与写入时一致；其后的内容无法证明",
    ),
    "incomplete": ("Nothing was found changed, but not everything could be checked", "未发现改动，但部分内容无法校验"),
    "gap": ("Gap", "中断"),
    "gap_line": (
        "{device} {source}, {begin} to {end} ({seconds:.1f} s): {cause}",
        "{device} {source}，{begin} 至 {end}（{seconds:.1f} 秒）：{cause}",
    ),
    "signature": ("Signature", "签名"),
    "signature_": ("nobody signed this manifest", "本清单未签名"),
    "signature_bad": ("NOT GOOD", "无效"),
    "signature_good": (
        "by {by} ({algorithm}); certificate of {issuer}, valid {valid_from} to {valid_to}, checked for {at}",
        "{by}（{algorithm}）；证书颁发者 {issuer}，有效期 {valid_from} 至 {valid_to}，按 {at} 校验",
    ),
    "signature_unchecked": ("by {by} ({algorithm}), not checked here: {why}", "{by}（{algorithm}），本机未能校验：{why}"),
    "root_": ("its root was not checked: name the roots you trust by --trust", "未校验根证书：请用 --trust 指定所信任的根证书"),
    "root_trusted": ("its root is one of those you trust", "其根证书在所信任之列"),
    "root_other": ("its root is none of those you trust", "其根证书不在所信任之列"),
    "stamp": ("Time-stamp", "时间戳"),
    "stamp_": ("none", "无"),
    "stamp_bad": ("NOT GOOD", "无效"),
    "stamp_good": ("{at}, by {by}, over {over}", "{at}，由 {by} 签发，对象为 {over}"),
    "stamp_unchecked": ("{at}, over {over}, not checked here: {why}", "{at}，对象为 {over}，本机未能校验：{why}"),
    "why_library": (
        "the libraries cryptography, pyOpenSSL and rfc3161-client are not all installed",
        "未安装 cryptography、pyOpenSSL 或 rfc3161-client",
    ),
    "why_algorithm": (
        "the library has not this algorithm; the maker of the signing device has a program for it",
        "所用程序库不支持该算法，请使用签名设备厂商的程序校验",
    ),
    "proven": ("Proven", "已证明"),
    "proven_line": (
        "{file}: {proven} of {bytes} B proven, written by {at}; {after} B came after",
        "{file}：共 {bytes} B，其中 {proven} B 已证明（写入于 {at} 之前）；其后 {after} B 未证明",
    ),
    "proven_none": ("{file}: none of {bytes} B proven", "{file}：共 {bytes} B，均未证明"),
    "usage": ("{path} is not the folder of a recording, nor a file in one", "{path} 不是录制文件夹，也不是其中的文件"),
    "trust": ("{path} holds no certificate in PEM form", "{path} 中没有 PEM 格式的证书"),
}


