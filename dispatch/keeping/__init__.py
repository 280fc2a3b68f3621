"""How long recordings are kept by law: retention classes, legal holds, sealed juvenile records, destruction by two people."""
