"""What is said in Japanese: a restaurant takes reservations."""

# ruff: noqa: RUF001 - full-width punctuation is how Japanese is written

from __future__ import annotations

from fluents_connector.simulator.words.parts import Business, Exchange, Language, Outcome, Task

JAPANESE = Language(
    code="ja",
    phone=("+8190555501", 2),
    money="{}{:02}円",
    names=("佐藤様", "鈴木様", "高橋様", "髙﨑様", "渡邉様"),
    agents=("さくら", "ハル"),
    days=("月曜日", "水曜日", "金曜日", "14日", "明後日"),
    times=("11時半", "12時", "18時", "19時半"),
    streets=("港町1-2-3", "中央区銀座4丁目", "駅前ビル3階"),
    hesitations=("えーと、", "あの、", "そうですね、", "うーん、"),
    acknowledgements=("かしこまりました。", "ありがとうございます。", "承知いたしました😊"),
    confirmations=("はい、お願いします。", "大丈夫です。"),
    asides=(
        Exchange(
            ("すみません、もう一度お願いします。", "え、何ですか？"),
            ("はい、{day}の{time}でございます。", "失礼しました。{time}です。"),
        ),
        Exchange(
            ("これは機械ですか？", "AIですか？"),
            ("{company}のAIアシスタント、{agent}です。", "はい、AIがご案内しております。"),
        ),
    ),
    transfer=("担当の者におつなぎします。少々お待ちください。",),
    nobody_free=("ただいま混み合っております。{minutes}分以内に折り返します。",),
    machine=("ただいま電話に出ることができません。発信音の後にメッセージをどうぞ。",),
)

IZAKAYA = Business(
    kind="reservation",
    language=JAPANESE,
    companies=("居酒屋さくら", "寿司処 海", "焼肉ﾎﾙﾓﾝ亭"),
    amounts=(30, 99),
    items=("個室", "窓際の席", "おまかせコース", "カウンター席"),
    inbound=("お電話ありがとうございます。{company}の{agent}です。ご予約でしょうか？",),
    reasons=(
        "{day}に{people}人で予約したいのですが。",
        "{time}は空いていますか？",
        "予約をキャンセルしたいです。",
    ),
    outbound=("{company}の{agent}と申します。{day}{time}のご予約の確認です。",),
    identity=("はい、そうです。", "あ、人数が{people}人になりました。", "はい、お願いします。"),
    steps=(
        Exchange(("何時がよろしいでしょうか？",), ("{time}でお願いします。", "{time}頃で。")),
        Exchange(
            ("{time}でしたらご用意できます。",), ("もう少し早い時間は？", "はい、大丈夫です。")
        ),
        Exchange(
            ("お名前をお願いします。", "お名前と電話番号を伺えますか？"),
            ("{name}じゃなくて、田中です。", "この番号で大丈夫です。"),
        ),
        Exchange(("アレルギーはございますか？",), ("えびがだめです。", "特にないです。")),
        Exchange(("{item}でよろしいですか？",), ("はい、{item}で。", "別の席はありますか？")),
    ),
    asides=(
        Exchange(("コースはいくらですか？",), ("お一人様{amount}です。",)),
        Exchange(("駐車場はありますか？",), ("{street}に提携の駐車場がございます。",)),
    ),
    read_back="ご予約の確認です。\n{day} {time}\n{people}名様、{item}\nよろしいでしょうか？",
    closing=Exchange(
        ("{day}にお待ちしております。", "ご来店をお待ちしております🍣"),
        ("よろしくお願いします。", "はい、失礼します。"),
    ),
    voicemail=("{company}です。{day}{time}のご予約の確認でお電話しました。",),
    tasks=(
        Task(
            "空席照会",
            {"日付": "{day}", "人数": "{people}"},
            {"空席": True, "時間": "{time}"},
        ),
    ),
    outcomes=(
        Outcome("予約成立", "{name}、{day}{time}に{people}名、{item}。"),
        Outcome("変更", "{people}名に変更。"),
        Outcome("キャンセル", "{day}の予約をキャンセル。"),
    ),
)
