"""The page's style sheet: system fonts, light and dark, one column on a phone."""

_LIGHT = """color-scheme:light;
--page:#f6f7f9;--card:#fff;--ink:#16202e;--muted:#5b6778;--line:#dde2ea;--accent:#1d5fd6;--wash:#eaf1fd;
--train:#1d5fd6;--validation:#d9730d;--cost:#7b8798;--hit:34 102 214;--miss:220 68 40;
--warn:#7a4a00;--warn-wash:#fff4dc;--warn-line:#f0cf8a;"""

_DARK = """color-scheme:dark;
--page:#0f141b;--card:#181f29;--ink:#e6ebf2;--muted:#97a3b4;--line:#2b3543;--accent:#6ea8ff;--wash:#1a2a44;
--train:#6ea8ff;--validation:#ffb454;--cost:#8c98a9;--hit:66 133 244;--miss:224 82 54;
--warn:#ffd58a;--warn-wash:#2e2412;--warn-line:#5c4718;"""

STYLE = (
    f"""
:root{{{_LIGHT}--font:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;
--mono:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace}}
@media (prefers-color-scheme:dark){{:root{{{_DARK}}}}}
"""
    """
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 var(--font);
-webkit-text-size-adjust:100%}
main{max-width:1080px;margin:0 auto;padding:28px 20px 56px}
h1,h2,h3,p,figure{margin:0}
h1{font-size:1rem;font-weight:600;color:var(--muted);overflow-wrap:anywhere}
.outcome{font-size:clamp(1.45rem,4.4vw,2.15rem);line-height:1.2;font-weight:700;letter-spacing:-.02em;
margin:6px 0 8px;
text-wrap:balance}
.stopped,.note{color:var(--muted);font-size:.9rem}
h2{font-size:1.15rem;margin:40px 0 12px;letter-spacing:-.01em}
h3{font-size:.95rem;font-weight:600}
h3 small{color:var(--muted);font-weight:400;font-size:.85rem}
.warnings{background:var(--warn-wash);color:var(--warn);border:1px solid var(--warn-line);
border-radius:10px;
margin:18px 0 0;padding:10px 16px 10px 34px;overflow-wrap:anywhere}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(158px,1fr));gap:12px;margin-top:22px}
.card,.panel,.curves figure{background:var(--card);border:1px solid var(--line);border-radius:12px;
padding:14px 16px}
.card h3{font-size:.82rem;color:var(--muted);font-weight:500}
.card h3::first-letter{text-transform:uppercase}
.card .figure{font-size:1.5rem;font-weight:650;line-height:1.3;font-variant-numeric:tabular-nums;
white-space:nowrap}
.card p span{white-space:nowrap}
.card p{font-size:.8rem;color:var(--muted);line-height:1.4}
.card p.figure{color:var(--ink)}
.card.lead{background:var(--wash);border-color:var(--accent)}
.card.lead p.figure{color:var(--accent)}
.curves{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,320px),1fr));gap:12px}
.curves figure{display:flex;flex-direction:column}
.curves svg{display:block;width:100%;height:auto;margin-top:auto;padding-top:6px;overflow:visible}
.curves text{font-variant-numeric:tabular-nums}
figcaption{font-size:.82rem;color:var(--muted);display:flex;flex-wrap:wrap;gap:0 14px}
.key b{color:var(--ink);font-weight:600;font-variant-numeric:tabular-nums}
.key::before{content:"";display:inline-block;width:14px;border-top:3px solid var(--train);margin-right:6px;
vertical-align:middle;border-radius:2px}
.key.validation::before{border-color:var(--validation)}
.key.cost::before{border-top:2px dashed var(--cost)}
.key.best::before{width:0;height:13px;border-top:0;border-left:2px dotted var(--muted)}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,400px),1fr));gap:12px;
align-items:start}
.pair>*{min-width:0}
.wide{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:tabular-nums}
th,td{padding:5px 10px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line);
unicode-bidi:isolate}
h2 small{font-weight:400}
.note+.panel{margin-top:8px}
thead th{color:var(--muted);font-weight:500;font-size:.82rem}
th:first-child{text-align:left}
tbody th{font-weight:600}
tbody tr:last-child>*{border-bottom:0}
td.bar{background:linear-gradient(var(--wash),var(--wash)) no-repeat left center/var(--w) 72%}
table.names td,table.names th{text-align:left;white-space:normal;overflow-wrap:anywhere;vertical-align:top}
table.names th{color:var(--muted);font-weight:500;white-space:nowrap;padding-left:0}
table.heat{border-collapse:separate;border-spacing:2px;width:auto;min-width:100%;table-layout:auto}
table.heat caption{font-size:.82rem;color:var(--muted);text-align:left;padding-bottom:4px}
table.heat td,table.heat th{border:0;padding:0 3px;text-align:center;height:31px;min-width:26px;
border-radius:5px}
table.heat th{color:var(--muted);font-weight:600}
td.none{color:var(--line)}
td.hit,td.miss{font-weight:600}
td.hit,.heat .hit{background:rgb(var(--hit)/var(--a));fill:rgb(var(--hit)/var(--a))}
td.miss,.heat .miss{background:rgb(var(--miss)/var(--a));fill:rgb(var(--miss)/var(--a))}
td.deep{color:#fff}
svg.heat{display:block;width:100%;max-width:520px;margin-top:6px;border:1px solid var(--line);
border-radius:6px}
.panel>.note{margin-top:8px}
.gallery{display:grid;grid-template-columns:repeat(auto-fill,minmax(72px,1fr));gap:10px;margin:8px 0 18px}
.gallery:last-child{margin-bottom:0}
.gallery figure{text-align:center}
.gallery img{display:block;width:100%;aspect-ratio:1;object-fit:contain;image-rendering:pixelated;
border-radius:7px;
background:#000}
.gallery figcaption{justify-content:center;display:block;overflow-wrap:anywhere;line-height:1.3;
margin-top:3px}
.gallery.wrong b{color:rgb(var(--miss))}
.gallery.wrong img{outline:2px solid rgb(var(--miss));outline-offset:-1px}
details>summary{cursor:pointer;font-size:.95rem;font-weight:600}
details[open]>summary{margin-bottom:10px}
.panel+.panel{margin-top:12px}
.pair>.panel+.panel{margin-top:0}
.commands+.pair,.curves+details{margin-top:12px}
pre,code{font-family:var(--mono);font-size:.82rem}
pre{margin:0;white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.55}
pre .head{color:var(--accent);font-weight:600}
pre .remark{color:var(--muted)}
code.hash{overflow-wrap:anywhere;font-weight:600}
.commands h3{margin:12px 0 4px;font-size:.85rem;color:var(--muted);font-weight:500}
.commands h3:first-child{margin-top:0}
.commands pre{background:var(--page);border-radius:8px;padding:8px 12px}
@media (max-width:520px){main{padding:20px 12px 40px}.cards{grid-template-columns:1fr 1fr;gap:8px}
.card,.panel,.curves figure{padding:11px 12px}.card .figure{font-size:1.25rem}
table.heat{border-spacing:1px;font-size:.78rem}table.heat td,table.heat th{min-width:20px;padding:0 1px;
height:27px}
th,td{padding:5px 7px}}
@media print{body{background:#fff}.card,.panel,.curves figure{break-inside:avoid}}
"""
)
