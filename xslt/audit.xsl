<?xml version="1.0" encoding="UTF-8"?>
<!-- SPDX-License-Identifier: LGPL-2.1-or-later -->
<!-- The page of winguest audit (format html): one file, nothing fetched, readable without its script. Guests of
     which the same is to be told stand together, or the page of a large fleet would not open. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">

  <xsl:output method="html" encoding="UTF-8" indent="no" doctype-system="about:legacy-compat"/>

  <xsl:key name="set" match="guest" use="@set"/>
  <xsl:key name="set-host" match="guest" use="concat(@set, ' ', @host)"/>
  <xsl:key name="host" match="guest" use="@host"/>
  <xsl:key name="project" match="guest" use="@project"/>
  <xsl:key name="place" match="difference" use="@where"/>

  <xsl:variable name="guests" select="/audit/guest"/>

  <xsl:template match="/audit">
    <html lang="en">
      <head>
        <meta name="viewport" content="width=device-width, initial-scale=1"/>
        <meta name="color-scheme" content="light dark"/>
        <title>Windows guests: audit</title>
        <style>
          :root { --ink: #1c1e21; --paper: #fff; --faint: #66707a; --line: #d9dde2; --band: #f5f6f8;
                  --bad: #b3261e; --good: #1e6e3c; --wait: #8a5a00; }
          @media (prefers-color-scheme: dark) {
            :root { --ink: #e4e6e9; --paper: #16181b; --faint: #9aa3ad; --line: #33383e; --band: #1f2226;
                    --bad: #ff8a80; --good: #7fd69b; --wait: #f0c060; } }
          body { margin: 0 auto 3rem; max-width: 72rem; padding: 0 1rem; color: var(--ink);
                 background: var(--paper); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
          header { position: sticky; top: 0; background: var(--paper); padding: .75rem 0; z-index: 1;
                   border-bottom: 1px solid var(--line); display: flex; flex-wrap: wrap; gap: .5rem 1rem;
                   align-items: baseline; }
          h1 { font-size: 1.25rem; margin: 0; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
          .faint { color: var(--faint); }
          input { font: inherit; color: inherit; background: var(--band); border: 1px solid var(--line);
                  border-radius: 6px; padding: .25rem .6rem; flex: 1 1 12rem; min-width: 0; }
          ul.summary { display: flex; flex-wrap: wrap; gap: .5rem; list-style: none; padding: 0; }
          ul.summary li { background: var(--band); border: 1px solid var(--line); border-radius: 6px;
                          padding: .4rem .9rem; }
          ul.summary b { display: block; font-size: 1.4rem; }
          table { border-collapse: collapse; width: 100%; } table.sorts { max-width: 40rem; }
          tr.of td:first-child { width: 1%; white-space: nowrap; padding-right: 1rem; }
          tr.of:last-child td { border-bottom: 0; }
          th, td { text-align: left; vertical-align: top; padding: .3rem .6rem .3rem 0;
                   border-bottom: 1px solid var(--line); }
          td.n, th.n { text-align: right; } th[role] { cursor: pointer; text-decoration: underline dotted; }
          .violates, .error { color: var(--bad); } .compliant { color: var(--good); }
          .waits-for-a-cold-boot { color: var(--wait); }
          details { border: 1px solid var(--line); border-radius: 6px; margin: .5rem 0; padding: 0 .9rem; }
          summary { cursor: pointer; padding: .5rem 0; } summary b { font-size: 1.1rem; }
          dl { margin: 0 0 .5rem; display: grid; grid-template-columns: minmax(0, max-content) minmax(0, 1fr);
               gap: 0 .75rem; }
          dt { font-family: ui-monospace, monospace; } dd { margin: 0; }
          i { font-style: normal; display: block; }
          [hidden] { display: none; }
          @media print { header { position: static; } input { display: none; } details { break-inside: avoid; }
                         details::details-content { content-visibility: visible; display: block; } }
        </style>
      </head>
      <body>
        <header>
          <h1>Windows guests: audit</h1>
          <span class="faint"><xsl:value-of select="@time"/></span>
          <input type="search" placeholder="filter: host, guest, project, verdict" aria-label="filter" hidden="hidden"/>
        </header>
        <xsl:call-template name="summary"/>
        <xsl:for-each select="host[@error]">
          <p class="error"><xsl:value-of select="@error"/></p>
        </xsl:for-each>
        <xsl:call-template name="places"/>
        <h2>Guests</h2>
        <xsl:for-each select="guest[@first-set]">
          <xsl:sort select="number(@verdict != 'error')" data-type="number"/>
          <xsl:sort select="number(@verdict != 'violates')" data-type="number"/>
          <xsl:sort select="number(@verdict != 'waits for a cold boot')" data-type="number"/>
          <xsl:sort select="count(key('set', @set))" data-type="number" order="descending"/>
          <xsl:call-template name="set"/>
        </xsl:for-each>
        <xsl:call-template name="roll-up">
          <xsl:with-param name="of" select="'host'"/>
          <xsl:with-param name="firsts" select="guest[@first-host]"/>
        </xsl:call-template>
        <xsl:call-template name="roll-up">
          <xsl:with-param name="of" select="'project'"/>
          <xsl:with-param name="firsts" select="guest[@first-project]"/>
        </xsl:call-template>
        <script>
          "use strict";
          const box = document.querySelector("input");
          box.hidden = false;
          box.addEventListener("input", () =&gt; {
            const wanted = box.value.toLowerCase().split(" ").filter(word =&gt; word);
            for (const set of document.querySelectorAll("details.set")) {
              const about = set.firstElementChild.textContent;
              let any = false;
              for (const row of set.querySelectorAll("tr.of")) {
                let some = false;
                for (const guest of row.querySelectorAll("i")) {
                  const text = (about + row.cells[0].textContent + " " + guest.textContent).toLowerCase();
                  guest.hidden = !wanted.every(word =&gt; text.includes(word));
                  some ||= !guest.hidden;
                }
                row.hidden = !some;
                any ||= some;
              }
              set.hidden = !any;
            }
          });
          for (const head of document.querySelectorAll("table.sorts th")) {
            head.setAttribute("role", "button");
            head.tabIndex = 0;
            const sort = () =&gt; {
              const at = head.cellIndex, body = head.closest("table").tBodies[0];
              const up = head.getAttribute("aria-sort") !== "ascending";
              for (const each of head.parentNode.cells) each.removeAttribute("aria-sort");
              head.setAttribute("aria-sort", up ? "ascending" : "descending");
              body.append(...[...body.rows].sort((a, b) =&gt; (up ? 1 : -1) *
                a.cells[at].textContent.localeCompare(b.cells[at].textContent, "en", {numeric: true})));
            };
            head.addEventListener("click", sort);
            head.addEventListener("keydown", event =&gt; { if (event.key === "Enter") sort(); });
          }
        </script>
      </body>
    </html>
  </xsl:template>

  <xsl:template name="summary">
    <xsl:variable name="right" select="count($guests[@verdict = 'compliant'])"/>
    <xsl:variable name="windows" select="$right + count($guests[@verdict = 'violates' or @verdict = 'waits for a cold boot'])"/>
    <ul class="summary">
      <li><b><xsl:value-of select="count($guests)"/></b>guests</li>
      <xsl:call-template name="tile">
        <xsl:with-param name="verdict" select="'violates'"/>
        <xsl:with-param name="text" select="'violate'"/>
        <xsl:with-param name="all" select="$windows"/>
      </xsl:call-template>
      <xsl:call-template name="tile">
        <xsl:with-param name="verdict" select="'waits for a cold boot'"/>
        <xsl:with-param name="text" select="'wait for a cold boot'"/>
        <xsl:with-param name="all" select="$windows"/>
      </xsl:call-template>
      <xsl:call-template name="tile">
        <xsl:with-param name="verdict" select="'compliant'"/>
        <xsl:with-param name="text" select="'compliant'"/>
        <xsl:with-param name="all" select="$windows"/>
      </xsl:call-template>
      <li><b><xsl:value-of select="count($guests[@verdict = 'exempt'])"/></b>exempt</li>
      <li><b><xsl:value-of select="count($guests[@verdict = 'unknown OS'])"/></b>unknown OS</li>
      <li><b><xsl:value-of select="count($guests[@verdict = 'skipped' or @verdict = 'not applicable'])"/></b>skipped</li>
      <xsl:if test="$guests/@agent">
        <li class="violates"><b><xsl:value-of select="count($guests[@wrong-clock])"/></b>wrong clocks</li>
        <li class="violates"><b><xsl:value-of select="count($guests[@finding = 'unmarked'])"/></b>unmarked Windows</li>
        <li><b><xsl:value-of select="count($guests[@agent and @agent != 'answers'])"/></b>without an answer</li>
      </xsl:if>
      <xsl:if test="$guests/@error or host/@error">
        <li class="error"><b><xsl:value-of select="count($guests[@error]) + count(host[@error])"/></b>errors</li>
      </xsl:if>
    </ul>
  </xsl:template>

  <xsl:template name="tile">
    <xsl:param name="verdict"/>
    <xsl:param name="text"/>
    <xsl:param name="all"/>
    <xsl:variable name="count" select="count($guests[@verdict = $verdict])"/>
    <li class="{translate($verdict, ' ', '-')}">
      <b><xsl:value-of select="$count"/></b>
      <xsl:value-of select="$text"/>
      <xsl:if test="$all &gt; 0">, <xsl:value-of select="round(100 * $count div $all)"/> %</xsl:if>
    </li>
  </xsl:template>

  <xsl:template name="places">
    <xsl:if test="guest/difference">
      <h2>What differs most</h2>
      <table class="sorts">
        <thead><tr><th>Where</th><th class="n">Guests</th></tr></thead>
        <tbody>
          <xsl:for-each select="guest/difference[@first-place]">
            <xsl:sort select="count(key('place', @where))" data-type="number" order="descending"/>
            <tr><td><xsl:value-of select="@where"/></td><td class="n"><xsl:value-of select="count(key('place', @where))"/></td></tr>
          </xsl:for-each>
        </tbody>
      </table>
    </xsl:if>
  </xsl:template>

  <!-- Of the first guest of a set: all that is the same in it, then each guest, host by host. -->
  <xsl:template name="set">
    <xsl:variable name="members" select="key('set', @set)"/>
    <xsl:variable name="set" select="@set"/>
    <xsl:variable name="mixed" select="boolean($members[@evidence != current()/@evidence])"/>
    <details class="set">
      <xsl:if test="count($guests) &lt;= 50"><xsl:attribute name="open">open</xsl:attribute></xsl:if>
      <summary>
        <b><xsl:value-of select="count($members)"/></b>
        <xsl:text> </xsl:text>
        <span class="{translate(@verdict, ' ', '-')}"><xsl:value-of select="@verdict"/></span>
        <xsl:if test="@running">, running: <xsl:value-of select="@running"/></xsl:if>
        <xsl:if test="difference">, <xsl:value-of select="count(difference)"/> difference<xsl:if test="count(difference) &gt; 1">s</xsl:if></xsl:if>
        <xsl:if test="@os and @os != @verdict">: <xsl:value-of select="@os"/></xsl:if>
        <xsl:if test="@evidence and not($mixed)">, <xsl:value-of select="@evidence"/></xsl:if>
        <xsl:if test="@reason">: <xsl:value-of select="@reason"/></xsl:if>
        <xsl:if test="@error">: <xsl:value-of select="@error"/></xsl:if>
      </summary>
      <xsl:if test="difference">
        <dl>
          <xsl:for-each select="difference">
            <dt><xsl:value-of select="@where"/></dt>
            <dd><xsl:value-of select="@has"/> → <xsl:value-of select="@must"/></dd>
          </xsl:for-each>
        </dl>
      </xsl:if>
      <xsl:for-each select="note"><p class="faint"><xsl:value-of select="@text"/></p></xsl:for-each>
      <table>
        <tbody>
          <xsl:for-each select="$members[@first-set-host]">
            <xsl:sort select="@host"/>
            <tr class="of">
              <td><xsl:value-of select="@host"/></td>
              <td>
                <xsl:for-each select="key('set-host', concat($set, ' ', @host))">
                  <xsl:sort select="@name"/>
                  <xsl:call-template name="guest"><xsl:with-param name="mixed" select="$mixed"/></xsl:call-template>
                </xsl:for-each>
              </td>
            </tr>
          </xsl:for-each>
        </tbody>
      </table>
    </details>
  </xsl:template>

  <xsl:template name="guest">
    <xsl:param name="mixed"/>
    <i>
      <xsl:value-of select="@name"/>
      <xsl:if test="not(@name)">(no name)</xsl:if>
      <xsl:if test="@title"><xsl:text> </xsl:text><xsl:value-of select="@title"/></xsl:if>
      <xsl:if test="@project">, <xsl:value-of select="@project"/></xsl:if>
      <xsl:if test="@age">, up <xsl:value-of select="@age"/></xsl:if>
      <xsl:if test="$mixed and @evidence">, <xsl:value-of select="@evidence"/></xsl:if>
      <xsl:if test="@finding = 'unmarked' or @finding = 'marked-otherwise' or @finding = 'not-windows'">
        <xsl:text>, </xsl:text><span class="violates">says <xsl:value-of select="@says"/></span>
      </xsl:if>
      <xsl:if test="@wrong-clock"><xsl:text>, </xsl:text><span class="violates">clock <xsl:value-of select="@clock"/></span></xsl:if>
      <xsl:if test="@clock and not(@wrong-clock)"><span class="faint">, clock <xsl:value-of select="@clock"/></span></xsl:if>
    </i>
  </xsl:template>

  <xsl:template name="roll-up">
    <xsl:param name="of"/>
    <xsl:param name="firsts"/>
    <xsl:if test="$firsts">
      <h2><xsl:value-of select="concat('By ', $of)"/></h2>
      <table class="sorts">
        <thead><tr><th><xsl:value-of select="$of"/></th><th class="n">guests</th><th class="n">violate</th><th class="n">wait</th><th class="n">right</th></tr></thead>
        <tbody>
          <xsl:for-each select="$firsts">
            <xsl:sort select="@*[name() = $of]"/>
            <xsl:variable name="name" select="@*[name() = $of]"/>
            <xsl:variable name="members" select="key($of, $name)"/>
            <tr>
              <td><xsl:value-of select="$name"/></td>
              <td class="n"><xsl:value-of select="count($members)"/></td>
              <td class="n"><xsl:value-of select="count($members[@verdict = 'violates'])"/></td>
              <td class="n"><xsl:value-of select="count($members[@verdict = 'waits for a cold boot'])"/></td>
              <td class="n"><xsl:value-of select="count($members[@verdict = 'compliant'])"/></td>
            </tr>
          </xsl:for-each>
        </tbody>
      </table>
    </xsl:if>
  </xsl:template>

</xsl:stylesheet>
