"""What names, keys, labels and quantities of Kubernetes objects look like."""

from __future__ import annotations

from strict_schema import either, mapping, number, record, text

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
DNS_LABEL = text(LABEL, 63)
SERVICE_NAME = text(r"[a-z]([-a-z0-9]*[a-z0-9])?", 63)
DNS_NAME = text(rf"{LABEL}(\.{LABEL})*", 253)
KEY = r"([a-z0-9]([-.a-z0-9]*[a-z0-9])?/)?[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?"
LABELS = mapping(KEY, text(r"([A-Za-z0-9]([-_.A-Za-z0-9]*[A-Za-z0-9])?)?", 63))
SELECTOR = record(needs={"matchLabels": LABELS})
QUANTITY = text(r"\d+(\.\d+)?(m|k|M|G|Ki|Mi|Gi)?")
PERCENT = either(number(0), text(r"\d{1,9}%"))
PATH = text(r"/.*")
VARIABLE = text(r"[A-Za-z_][A-Za-z0-9_]*")
METADATA = record(needs={"name": DNS_NAME}, namespace=DNS_LABEL, labels=LABELS, annotations=mapping(KEY, text()))
