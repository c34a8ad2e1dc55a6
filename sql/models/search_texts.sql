-- What was said in each call, or written of it, in the form in which `fluents-warehouse search`
-- compares texts: lower case, without accents, wide letters as plain ones. A search looks here for
-- the calls that may match, and then at what they really said.
-- grain: one call with a turn, a message or a post-call result
-- key: call_id
-- materialized: table
-- time: first_event_at
-- questions: In which calls may these words be?
with

said as (
    select
        call_id,
        'transcript' as kind,
        text,
    from analytics.conversation_turns
    union
    -- what a turn says already is not kept twice
    select
        call_id,
        'message' as kind,
        text,
    from fluents.messages
    anti join analytics.conversation_turns using (call_id, text)
    union
    select
        call_id,
        'result' as kind,
        result_text as text,
    from fluents.post_call_results
),

joined as (
    select
        call_id,
        kind,
        -- strip_accents ends at a character 0
        replace(string_agg(text, chr(10) order by text), chr(0), ' ') as text,
    from said
    where text <> ''
    group by call_id, kind
),

-- What case and accents do not cover is rarer: invisible characters, ligatures, typographic quotes
-- and dashes, and characters of another width. `fluents_pipelines/readers/comparing.py` says the same of single characters.
plain as (
    select
        call_id,
        kind,
        case
            when
                regexp_matches(
                    text,
                    '[\x{AD}\x{61C}\x{180E}\x{200B}-\x{200F}\x{202A}-\x{202E}\x{2060}-\x{206F}\x{FEFF}'
                    || '\x{2010}-\x{2014}‘’“”ŉևẚﬀ-ﬆﬓ-ﬗ\x{FF01}-\x{FF9F}\x{FFE0}-\x{FFEE}]'
                )
            then
                list_reduce(
                    [
                        ['ŉ', 'ʼn'], ['և', 'եւ'], ['ẚ', 'aʾ'],
                        ['ﬀ', 'ff'], ['ﬁ', 'fi'], ['ﬂ', 'fl'], ['ﬃ', 'ffi'], ['ﬄ', 'ffl'],
                        ['ﬅ', 'st'], ['ﬆ', 'st'],
                        ['ﬓ', 'մն'], ['ﬔ', 'մե'], ['ﬕ', 'մի'], ['ﬖ', 'վն'], ['ﬗ', 'մխ'],
                    ],
                    lambda so_far, form: [replace(so_far[1], form[1], form[2])],
                    [
                        translate(
                            regexp_replace(
                                text,
                                '[\x{AD}\x{61C}\x{180E}\x{200B}-\x{200F}\x{202A}-\x{202E}'
                                || '\x{2060}-\x{206F}\x{FEFF}\x{FF9E}\x{FF9F}]',
                                '',
                                'g'
                            ),
                            '！＂＃＄％＆＇（）＊＋，－．／０１２３４５６７８９：；＜＝＞'
                            || '？＠ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺ［＼］＾'
                            || '＿｀ａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ｛｜｝～｟｠｡｢｣､･'
                            || 'ｦｧｨｩｪｫｬｭｮｯｰｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝ￠￡￢￤￥￦￨￩￪￫￬￭￮‘’“”‐‑‒–—',
                            '!"#$%&''()*+,-./0123456789:;<=>'
                            || '?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\]^'
                            || '_`abcdefghijklmnopqrstuvwxyz{|}~⦅⦆。「」、・'
                            || 'ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン¢£¬¦¥₩│←↑→↓■○''''""-----'
                        ),
                    ]
                )[1]
            else text
        end as text,
    from joined
),

compared as (
    select
        call_id,
        kind,
        -- to upper case first, as there are letters with two forms of lower case: ς and σ
        replace(lower(upper(strip_accents(text))), 'ß', 'ss') as text,
    from plain
),

by_kind as (
    select
        call_id,
        any_value(text) filter (kind = 'transcript') as transcripts,
        any_value(text) filter (kind = 'message') as messages,
        any_value(text) filter (kind = 'result') as results,
    from compared
    group by call_id
)

select
    -- The call, as Fluents names it.
    call_id,
    -- Its turns, each text once, a line each.
    by_kind.transcripts,
    -- Its messages that are no turns in the same words.
    by_kind.messages,
    -- The texts of its post-call results.
    by_kind.results,
    -- Receipt of the call's first event.
    calls.first_event_at,
    -- Receipt of its last event.
    calls.last_event_at,
from by_kind
inner join fluents.calls using (call_id)
