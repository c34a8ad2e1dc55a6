"""What is said in Arabic, written from right to left: a provider helps with internet faults."""

from __future__ import annotations

from fluents_connector.simulator.words.parts import Business, Exchange, Language, Outcome, Task

ARABIC = Language(
    code="ar",
    phone=("+971505550", 3),
    money="{}.{:02} درهم",
    names=("أحمد", "فاطمة", "خالد", "مريم", "يوسف"),
    agents=("ليلى", "سامي"),
    days=("يوم الاثنين", "يوم الأربعاء", "يوم الخميس", "غدًا"),
    times=("التاسعة والربع", "الحادية عشرة", "الثانية والنصف", "السابعة مساءً"),
    streets=("شارع الميناء 12", "شارع النخيل 48", "برج السلام، الطابق 7"),
    hesitations=("آه... ", "يعني... ", "لحظة... "),
    acknowledgements=("حسنًا.", "شكرًا لك.", "فهمت.", "على الرحب والسعة 🌷"),
    confirmations=("نعم، صحيح.", "تمام."),
    asides=(
        Exchange(
            ("عفوًا، هل يمكنك الإعادة؟", "لا أسمعك جيدًا."),
            ("بالطبع: {day} الساعة {time}.", "أعتذر، قلت {day}."),
        ),
        Exchange(
            ("هل أنت إنسان؟", "هل أتحدث مع آلة؟"),
            ("أنا {agent}، المساعد الافتراضي في {company}.", "أنا مساعد ذكي."),
        ),
    ),
    transfer=("سأحوّلك إلى زميل، يرجى الانتظار.",),
    nobody_free=("لا أحد متاح الآن، سنتصل بك خلال {minutes} دقيقة.",),
    machine=("الرقم المطلوب لا يمكن الاتصال به الآن. اترك رسالة بعد الصافرة.",),
)

INTERNET = Business(
    kind="support",
    language=ARABIC,
    companies=("اتصالات النور", "شبكة الخليج"),
    amounts=(10, 120),
    items=("جهاز الراوتر", "المودم", "جهاز التقوية"),
    inbound=("أهلًا بك في {company}، معك {agent}. كيف أساعدك؟",),
    reasons=("الإنترنت مقطوع منذ {day}.", "{item} لا يعمل.", "دفعت {amount} مرتين!"),
    outbound=("مرحبًا {name}، {agent} من {company} بخصوص البلاغ {number}.",),
    identity=("نعم، تفضل.", "ما زال لا يعمل.", "أي بلاغ؟"),
    steps=(
        Exchange(
            ("ما لون الضوء على {item}؟", "هل ترى أي ضوء؟"),
            ("أحمر.", "أخضر ويومض.", "لا يوجد ضوء."),
        ),
        Exchange(
            ("افصل {item} ثلاثين ثانية ثم أعد تشغيله.", "اضغط الزر الخلفي عشر ثوانٍ."),
            ("فعلت ذلك ثلاث مرات.", "حسنًا، إنه يعمل الآن.", "أين الزر؟"),
        ),
        Exchange(("هل يناسبك فني {day} الساعة {time}؟",), ("نعم، مناسب.", "لا، أنا في العمل.")),
        Exchange(("هناك عطل في {street}.",), ("قلتم هذا الأسبوع الماضي!", "متى ينتهي؟")),
    ),
    asides=(
        Exchange(("هل تعوضونني؟",), ("سنخصم {amount} من الفاتورة.",)),
        Exchange(("كم سأدفع؟",), ("لا شيء، إنه مجاني.",)),
    ),
    read_back="للتأكيد:\n- البلاغ {number}\n- {day} الساعة {time}\n- {street}",
    closing=Exchange(
        ("رقم البلاغ {number}. هل من شيء آخر؟", "سعدنا بخدمتك."),
        ("لا، شكرًا.", "مع السلامة.", "الله يعطيك العافية 🙏"),
    ),
    voicemail=("مرحبًا {name}، {company}. سيصل الفني {day} الساعة {time}.",),
    tasks=(Task("فحص_الخط", {"الحساب": "{number}"}, {"الإشارة": False, "العطل": "{street}"}),),
    outcomes=(
        Outcome("تم_الحل", "تم حل المشكلة بإعادة تشغيل {item} ✅"),
        Outcome("إرسال_فني", "انقطاع منذ {day}، فني الساعة {time}."),
        Outcome("تصعيد", "العميل {name} غاضب بسبب {amount} ⚠️"),
    ),
)
